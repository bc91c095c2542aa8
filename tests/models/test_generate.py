"""What every model that writes tokens refuses, and how tokens are drawn."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite.errors import ArgumentError, RangeError, ShapeError
from treexlite.models import LSTMLanguageModel

IDS = jnp.array([[1, 2, 3]])


@pytest.fixture(scope="module")
def model() -> Any:
    return LSTMLanguageModel(7, features=4, num_layers=1).init(0, IDS)


def test_tokens_are_drawn_by_the_key(model: Any) -> None:
    first = model.generate(IDS, 20, key=0)
    assert (first == model.generate(IDS, 20, key=0)).all()
    assert not (first == model.generate(IDS, 20, key=1)).all()


def test_the_best_of_one_is_the_most_probable(model: Any) -> None:
    assert (model.generate(IDS, 5, key=0, top_k=1) == model.generate(IDS, 5)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_tokens": -1}, "`num_tokens` to be an integer of at least 0"),
        ({"num_tokens": 2, "top_k": 0}, "`top_k` to be an integer of at least 1"),
        ({"num_tokens": 2, "temperature": 0.0}, "`temperature` to be a number above 0"),
    ],
)
def test_numbers_are_checked(model: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"LSTMLanguageModel.generate: expected {message}"):
        model.generate(IDS, **arguments)


def test_prompts_are_checked(model: Any) -> None:
    with pytest.raises(ShapeError, match="of at least 1 id"):
        model.generate(IDS[:, :0], 2)
    with pytest.raises(RangeError, match="`ids` from 0 to 6"):
        model.generate(IDS + 4, 2)


def test_the_temperature_may_be_a_number_of_numpy(model: Any) -> None:
    assert model.generate(IDS, 1, key=0, temperature=np.float32(0.5)).shape == (1, 4)
