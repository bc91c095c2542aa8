"""Arguments are refused with an error that says what would do."""

from typing import Any

import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics._arguments import both, one_of, whole


@pytest.mark.parametrize(("target", "preds"), [(None, 1), (1, None), (None, None)])
def test_both_targets_and_predictions_are_needed(target: Any, preds: Any) -> None:
    message = (
        r"X: expected both `target` and `preds`, received target=(None|given), preds=(None|given)"
    )
    with pytest.raises(ArgumentError, match=message):
        both("X", target, preds)


@pytest.mark.parametrize("value", [1, 0, -3, 2.0, "3", None, True])
def test_a_whole_number_is_one_and_is_large_enough(value: Any) -> None:
    message = "X: expected `k` to be a whole number, at least 2, received k=.*Pass `k=2` or more"
    with pytest.raises(ArgumentError, match=message):
        whole("X", "k", value, 2)
    assert whole("X", "k", np.int64(2), 2) == 2


@pytest.mark.parametrize("value", ["c", None, 1])
def test_one_of_some_strings_is_one_of_them(value: Any) -> None:
    message = r"X: expected `norm` to be one of 'a', 'b', received norm=.*Pass one of those"
    with pytest.raises(ArgumentError, match=message):
        one_of("X", "norm", value, ("a", "b"))
    assert one_of("X", "norm", "b", ("a", "b")) == "b"
