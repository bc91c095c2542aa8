"""Data that is no number."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.training.models import classes
from treexlite._errors import DataError
from treexlite.training import Batch, Trainer
from treexlite.training._finite import check_finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, jnp.bfloat16])
def test_it_is_found_and_named(value: float, dtype: Any) -> None:
    bad = np.ones((5, 2), dtype)
    bad[3:, 1] = value
    message = r"fit: expected finite numbers in `y\['a'\]`, received 2 examples .* is y\['a'\]\[3\]"
    with pytest.raises(DataError, match=message):
        check_finite("fit", Batch(np.ones(5), {"a": bad}))


def test_numbers_pass() -> None:
    batch = Batch(np.ones((5, 2)), np.arange(5), jnp.ones(5, jnp.bfloat16))
    assert check_finite("fit", batch) is batch


@pytest.mark.parametrize("streamed", [False, True])
def test_it_is_checked_when_asked_for(streamed: bool) -> None:
    x, y = classes(8)
    x[5] = np.nan
    trainer = Trainer(tx.nn.MLP([4, 3]), "crossentropy", "sgd")
    data: Any = (lambda: iter([(x[:4], y[:4]), (x[4:], y[4:])]),) if streamed else (x, y)
    with pytest.raises(DataError, match="1 examples with NaN or infinity"):
        trainer.fit(*data, verbose=0, check_finite=True)
    assert trainer.state.step == (1 if streamed else 0)
    trainer.fit(*data, verbose=0)
