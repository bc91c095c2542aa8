"""Options of losses, looked at when a loss is built or its function called.

What flows in: an option as the user wrote it. What flows out: a Python number or a tuple of them,
which is static and hashable, or an error that names the option. Nothing is mutated.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from treexlite._errors import ArgumentError, describe

Weights: TypeAlias = Sequence[float] | ArrayLike
"""One number per class or feature."""


def positive(where: str, name: str, value: Any, fix: str) -> float:
    """Return a finite number above 0.

    Raises:
        ArgumentError: it is not one.
    """
    _check(
        where, name, value, "to be a finite number above 0", _is_number(value) and value > 0, fix
    )
    return float(value)


def not_negative(where: str, name: str, value: Any, fix: str) -> float:
    """Return a finite number, at least 0.

    Raises:
        ArgumentError: it is not one.
    """
    _check(
        where, name, value, "to be a finite number from 0", _is_number(value) and value >= 0, fix
    )
    return float(value)


def share(where: str, name: str, value: Any, fix: str) -> float:
    """Return a number in [0, 1].

    Raises:
        ArgumentError: it is not one.
    """
    _check(where, name, value, "in [0, 1]", _is_number(value) and 0 <= value <= 1, fix)
    return float(value)


def smoothing(where: str, value: Any) -> float:
    """Return `label_smoothing`, a share of the probability.

    Raises:
        ArgumentError: it is not in [0, 1].
    """
    return share(where, "label_smoothing", value, "Use 0 for hard labels; 0.1 is common.")


def weights(where: str, name: str, value: Weights) -> tuple[float, ...]:
    """Return weights of classes or features as a tuple.

    Raises:
        ArgumentError: they are no list of finite numbers from 0.
    """
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):  # text, a dict, a traced array
        array = np.array(np.nan)
    accepted = array.ndim == 1 and array.size > 0 and bool((array >= 0).all())
    _check(
        where,
        name,
        value,
        "to be a list of finite numbers from 0",
        accepted and bool(np.isfinite(array).all()),
        "List one weight for each, in order: `[1.0, 2.0]`.",
    )
    return tuple(array.tolist())


def spread(where: str, name: str, value: tuple[float, ...], like: jax.Array) -> jax.Array:
    """Lay weights along the last axis of `like`, with axes of size 1 in front.

    Raises:
        ArgumentError: their number is not the size of that axis.
    """
    size = like.shape[-1] if like.ndim else 1
    if len(value) != size:
        raise ArgumentError(
            where,
            expected=f"`{name}` to have {size} entries, as the last axis of `preds`",
            received=f"{len(value)} entries",
            fix="List one weight for each class or feature, in order.",
        )
    return jnp.asarray(value, like.dtype).reshape((1,) * (like.ndim - 1) + (-1,))


def index(where: str, name: str, value: Any) -> int | None:
    """Return a whole number, or None.

    Raises:
        ArgumentError: it is neither.
    """
    if value is None:
        return None
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    _check(
        where, name, value, "to be a whole number or None", whole, "Give one label, such as -100."
    )
    return int(value)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _check(where: str, name: str, value: Any, expected: str, accepted: bool, fix: str) -> None:
    if not accepted:
        raise ArgumentError(
            where,
            expected=f"`{name}` {expected}",
            received=f"{name}={describe(value)}",
            fix=fix,
        )
