"""Masks and lengths in one form."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.nn._sequence_mask import step_mask


def test_lengths_become_a_mask() -> None:
    mask = step_mask("RNN", None, np.array([[0, 1], [3, 3]]), (2, 2), 3)
    assert mask.tolist() == [[[False] * 3, [True, False, False]], [[True] * 3, [True] * 3]]
    assert step_mask("RNN", None, jnp.array(2), (), 3).tolist() == [True, True, False]


def test_a_mask_stays_and_none_is_none() -> None:
    mask = jnp.array([[True, False]])
    assert step_mask("RNN", mask, None, (1,), 2) is mask
    assert step_mask("RNN", None, None, (1,), 2) is None


@pytest.mark.parametrize(
    ("mask", "lengths", "error", "message"),
    [
        (jnp.ones((2, 3), bool), jnp.ones(2, int), ArgumentError, "`mask` or `lengths`, received"),
        (jnp.ones((2, 3)), None, ArgumentError, "`mask` to hold booleans"),
        (None, jnp.ones(2), ArgumentError, "`lengths` to hold integers"),
        (None, jnp.ones(2, bool), ArgumentError, "`lengths` to hold integers"),
        (jnp.ones((2, 4), bool), None, ShapeError, r"`mask` of shape \(2, 3\), the batch axes and"),
        (None, jnp.ones(3, int), ShapeError, r"`lengths` of shape \(2,\), the batch axes of"),
    ],
)
def test_others_are_refused(mask: Any, lengths: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        step_mask("RNN", mask, lengths, (2,), 3)


@pytest.mark.parametrize(("lengths", "values"), [([1, 4], "1 to 4"), ([-1, 3], "-1 to 3")])
def test_lengths_that_no_sequence_has_are_refused(lengths: Any, values: str) -> None:
    with pytest.raises(RangeError, match=f"`lengths` from 0 to 3, the size.* from {values}"):
        step_mask("RNN", None, jnp.array(lengths), (2,), 3)
