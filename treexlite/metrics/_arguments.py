"""What metrics of ranks, probabilities and texts ask of their arguments.

What flows in: an argument and the name of the class that an error blames. What flows out: the
argument, as the metric uses it, or an error of four parts. Nothing is mutated.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, describe


def both(where: str, target: Any, preds: Any) -> tuple[jax.Array, jax.Array]:
    """Return targets and predictions as arrays.

    Raises:
        ArgumentError: one of them is missing.
    """
    if target is None or preds is None:
        presence = {True: "None", False: "given"}
        raise ArgumentError(
            where,
            expected="both `target` and `preds`",
            received=f"target={presence[target is None]}, preds={presence[preds is None]}",
            fix="Call it with `target=..., preds=...`.",
        )
    return jnp.asarray(target), jnp.asarray(preds)


def whole(where: str, name: str, value: Any, smallest: int = 1) -> int:
    """Return a setting that is a whole number.

    Raises:
        ArgumentError: it is none, or below `smallest`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = smallest - 1
    if number < smallest or isinstance(value, bool):
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a whole number, at least {smallest}",
            received=f"{name}={describe(value)}",
            fix=f"Pass `{name}={smallest}` or more.",
        )
    return number


def one_of(where: str, name: str, value: Any, options: Sequence[str]) -> str:
    """Return a setting that is one of some strings.

    Raises:
        ArgumentError: it is none of them.
    """
    if value in options:
        return str(value)
    raise ArgumentError(
        where,
        expected=f"`{name}` to be one of {', '.join(map(repr, options))}",
        received=f"{name}={describe(value)}",
        fix=f"Pass one of those, for example `{name}={options[0]!r}`.",
    )
