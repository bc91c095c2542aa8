"""Arguments that are counts."""

from typing import Any

import numpy as np
import pytest

from treexlite._arguments import integer
from treexlite._errors import ArgumentError


@pytest.mark.parametrize("value", [2, np.int64(2)])
def test_an_integer_is_returned_as_one_of_python(value: Any) -> None:
    found = integer("fit", "epochs", value, 1)
    assert found == 2
    assert type(found) is int


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "2", None])
def test_what_is_no_count_is_refused(value: Any) -> None:
    message = r"fit: expected `epochs` to be an integer of at least 1, received epochs=.*epochs=1"
    with pytest.raises(ArgumentError, match=message):
        integer("fit", "epochs", value, 1)
