"""Arguments that are counts. In: what users pass. Out: an integer of Python, or an error."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from treexlite._errors import ArgumentError, describe


def integer(where: str, name: str, value: Any, at_least: int = 0) -> int:
    """Return an integer that is not below `at_least`; a boolean is none.

    Raises:
        ArgumentError: it is none.
    """
    if not is_integer(value) or value < at_least:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be an integer of at least {at_least}",
            received=f"{name}={describe(value)}",
            fix=f"Pass for example `{name}={max(at_least, 1)}`.",
        )
    return operator.index(value)


def is_integer(value: Any) -> bool:
    """Whether `value` is an integer of Python or NumPy, and not a bool."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
