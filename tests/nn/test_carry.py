"""The first carry: None, converted, or refused."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ShapeError
from treexlite.nn._carry import fit_carry, varying_like

FRESH = (jnp.zeros((2, 4)), jnp.zeros((2, 4)))


def test_none_is_the_fresh_one_and_others_get_its_dtype() -> None:
    assert fit_carry("RNN", None, FRESH) is FRESH
    h, c = fit_carry("RNN", (np.ones((2, 4), np.int32), jnp.ones((2, 4), "bfloat16")), FRESH)
    assert h.dtype == c.dtype == jnp.float32
    assert h.tolist() == c.tolist() == [[1.0] * 4] * 2


@pytest.mark.parametrize("carry", [jnp.zeros((2, 4)), (jnp.zeros((2, 4)), jnp.zeros((1, 4)))])
def test_other_carries_are_refused(carry: Any) -> None:
    cell = nn.LSTMCell(4).init(0, (None, jnp.ones((2, 3))))
    message = r"LSTMCell: expected a carry of arrays with the shapes \[\(2, 4\), \(2, 4\)\]"
    with pytest.raises(ShapeError, match=message):
        cell(carry, jnp.ones((2, 3)))


def test_outside_of_shard_map_nothing_is_done() -> None:
    start = jnp.ones((2, 4))
    assert varying_like(start, jnp.ones(3)) is start
