"""Arguments that several callbacks have, checked in one way.

In: what users pass. Out: the same as plain numbers, or an `ArgumentError` that says what is meant.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from treexlite._arguments import is_integer
from treexlite._errors import ArgumentError, describe


def number(
    where: str,
    name: str,
    value: Any,
    above: float = -math.inf,
    below: float = math.inf,
    closed: bool = False,
) -> float:
    """Return a number between two bounds.

    Args:
        where: who asks.
        name: of the argument.
        value: what was passed.
        above: the number must be above that.
        below: and below that.
        closed: the lower bound itself is allowed.

    Raises:
        ArgumentError: it is no number, or not between them.
    """
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    if is_number and not isinstance(value, bool):
        found = float(value)
        if above < found < below or (closed and found == above):
            return found
    lower = f" {'of at least' if closed else 'above'} {above:g}" if above > -math.inf else ""
    upper = f" {'and ' if lower else ''}below {below:g}" if below < math.inf else ""
    raise ArgumentError(
        where,
        expected=f"`{name}` to be a number{lower}{upper}",
        received=f"{name}={describe(value)}",
        fix="Pass a Python number in that range.",
    )


def frequency(where: str, name: str, value: Any) -> int:
    """Return how many steps there are between two times; 0 for `"epoch"`, `"batch"` is 1.

    Raises:
        ArgumentError: it is neither of the words, nor a positive integer.
    """
    if value == "epoch":
        return 0
    if value == "batch":
        return 1
    if not is_integer(value) or value < 1:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be 'epoch' or a number of steps",
            received=f"{name}={describe(value)}",
            fix=f"Pass for example `{name}=100`: after every 100 steps.",
        )
    return operator.index(value)


def choice(where: str, name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """Return one of the `choices`.

    Raises:
        ArgumentError: it is none of them.
    """
    if value not in choices:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be one of {', '.join(map(repr, choices))}",
            received=f"{name}={describe(value)}",
            fix=f"Pass for example `{name}={choices[0]!r}`.",
        )
    return value
