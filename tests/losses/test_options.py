"""Options of losses: what they become, and what is refused."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.losses import _options
from treexlite.losses._options import index, not_negative, positive, share, spread, weights


def test_numbers_become_floats_of_python() -> None:
    for check in (positive, not_negative, share):
        value = check("Loss", "x", np.float32(0.5), "Fix.")
        assert value == 0.5
        assert type(value) is float


@pytest.mark.parametrize(
    ("check", "expected", "bad"),
    [
        (positive, "to be a finite number above 0", [0, -1, np.inf]),
        (not_negative, "to be a finite number from 0", [-1e-9, np.inf]),
        (share, r"in \[0, 1\]", [-0.1, 1.1]),
    ],
)
def test_other_numbers_are_refused(check: Any, expected: str, bad: list[Any]) -> None:
    for value in [*bad, np.nan, True, None, "1", jnp.ones(2)]:
        message = rf"Loss: expected `x` {expected}, received x=.*\. Fix\."
        with pytest.raises(ArgumentError, match=message):
            check("Loss", "x", value, "Fix.")


@pytest.mark.parametrize("value", [[1, 2.5], (1, 2.5), np.array([1, 2.5]), jnp.array([1, 2.5])])
def test_weights_become_a_tuple(value: Any) -> None:
    assert weights("Loss", "w", value) == (1.0, 2.5)
    assert hash(weights("Loss", "w", value)) == hash((1.0, 2.5))


@pytest.mark.parametrize(
    "value", [[], 1.0, [[1.0]], [-1.0], [np.nan], [np.inf], "ab", {0: 1.0}, [1, [2, 3]]]
)
def test_what_is_no_list_of_weights_is_refused(value: Any) -> None:
    message = r"Loss: expected `w` to be a list of finite numbers from 0, received w=.*\. List one"
    with pytest.raises(ArgumentError, match=message):
        weights("Loss", "w", value)


def test_weights_that_are_traced_are_refused() -> None:
    with pytest.raises(ArgumentError, match="to be a list of finite numbers from 0"):
        jax.jit(lambda x: weights("Loss", "w", x)[0])(jnp.ones(2))


def test_weights_are_laid_along_the_last_axis() -> None:
    laid = spread("Loss", "w", (1.0, 2.0, 3.0), jnp.zeros((4, 5, 3), jnp.float32))
    assert laid.shape == (1, 1, 3)
    np.testing.assert_array_equal(laid.reshape(-1), [1, 2, 3])
    assert spread("Loss", "w", (2.0,), jnp.zeros(())).shape == (1,)


@pytest.mark.parametrize("shape", [(4, 3), (2,), ()])
def test_another_number_of_weights_is_refused(shape: tuple[int, ...]) -> None:
    message = r"Loss: expected `w` to have \d entries, as the last axis of `preds`, received 5"
    with pytest.raises(ArgumentError, match=message):
        spread("Loss", "w", (1.0,) * 5, jnp.zeros(shape))


def test_an_index_is_a_whole_number_or_none() -> None:
    assert index("Loss", "i", None) is None
    assert index("Loss", "i", np.int8(-100)) == -100
    assert type(_options.index("Loss", "i", np.int8(-100))) is int
    for value in (1.0, True, "1", [1]):
        message = r"Loss: expected `i` to be a whole number or None, received i=.*\. Give one label"
        with pytest.raises(ArgumentError, match=message):
            index("Loss", "i", value)
