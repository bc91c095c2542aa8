"""Arguments that several callbacks share."""

from typing import Any

import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.callbacks._arguments import choice, frequency, number


def test_numbers_are_floats_between_their_bounds() -> None:
    assert number("X", "r", 1, above=0.0) == 1.0
    assert number("X", "r", np.float32(0.0), above=0.0, below=1.0, closed=True) == 0.0
    assert number("X", "r", -5) == -5.0


@pytest.mark.parametrize("value", [0.0, 1.0, float("nan"), "0.5", None, True])
def test_other_numbers_are_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match="`r` to be a number above 0 and below 1, received r="):
        number("X", "r", value, above=0.0, below=1.0)


def test_the_message_says_which_bounds_there_are() -> None:
    with pytest.raises(ArgumentError, match="expected `r` to be a number of at least 0, received"):
        number("X", "r", -1, above=0.0, closed=True)
    with pytest.raises(ArgumentError, match="expected `r` to be a number below 1, received"):
        number("X", "r", 1, below=1.0)
    with pytest.raises(ArgumentError, match="expected `r` to be a number, received"):
        number("X", "r", None)


def test_frequencies_are_words_or_steps() -> None:
    assert [frequency("X", "f", value) for value in ("epoch", "batch", 7)] == [0, 1, 7]


@pytest.mark.parametrize("value", [0, -1, "step", 1.5, True, None])
def test_other_frequencies_are_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match="`f` to be 'epoch' or a number of steps, received f="):
        frequency("X", "f", value)


def test_choices() -> None:
    assert choice("X", "c", "a", ("a", None)) == "a"
    assert choice("X", "c", None, ("a", None)) is None
    with pytest.raises(ArgumentError, match="X: expected `c` to be one of 'a', None, received c='"):
        choice("X", "c", "b", ("a", None))
