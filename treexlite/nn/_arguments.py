"""Hyper-parameters: checked once, when a layer is built.

In: what the user wrote. Out: the same value in its plain Python form (`int`, `float`, `dtype`), so
that layers built alike have equal structures; or an `ArgumentError` that names the layer and the
argument.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim

from treexlite._errors import ArgumentError, describe


def positive_int(where: str, name: str, value: Any) -> int:
    """Return `value` as an integer of at least 1.

    Raises:
        ArgumentError: it is not one.
    """
    if not is_int(value) or value < 1:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be an integer of at least 1",
            received=f"{name}={describe(value)}",
            fix=f"Pass a positive integer, for example `{name}=16`.",
        )
    return operator.index(value)


def positive_size(where: str, name: str, value: Any) -> Any:
    """Return `value` as an integer of at least 1, or as a symbol of `jax.export`.

    Raises:
        ArgumentError: it is neither.
    """
    return value if is_symbolic_dim(value) else positive_int(where, name, value)


def unit_fraction(where: str, name: str, value: Any) -> float:
    """Return `value` as a float between 0 and 1, both included.

    Raises:
        ArgumentError: it is not one.
    """
    if not _is_real(value) or not 0 <= value <= 1:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a number from 0 to 1",
            received=f"{name}={describe(value)}",
            fix=f"Pass a fraction, for example `{name}=0.5`.",
        )
    return float(value)


def non_negative(where: str, name: str, value: Any) -> float:
    """Return `value` as a finite float of at least 0.

    Raises:
        ArgumentError: it is not one.
    """
    if not _is_real(value) or not 0 <= value < math.inf:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a finite number of at least 0",
            received=f"{name}={describe(value)}",
            fix=f"Pass a small positive number, for example `{name}=1e-5`.",
        )
    return float(value)


def int_axes(where: str, name: str, value: Any) -> tuple[int, ...]:
    """Return `value`, one integer or several, as a tuple of integers.

    Raises:
        ArgumentError: it is neither.
    """
    axes = (value,) if is_int(value) else value
    if not isinstance(axes, Sequence) or not all(map(is_int, axes)):
        fix = f"Pass the positions of the axes, for example `{name}=(1, 2)`."
        raise _no_integers(where, name, value, fix)
    return tuple(map(operator.index, axes))


def sizes(where: str, name: str, value: Any) -> tuple[Any, ...]:
    """Return `value`, sizes of axes, as a tuple; a size may be a symbol of `jax.export`.

    Raises:
        ArgumentError: it is no sequence of sizes.
    """
    found = (value,) if is_int(value) else value
    if isinstance(found, Sequence) and all(map(is_size, found)):
        return tuple(operator.index(n) if is_int(n) else n for n in found)
    raise _no_integers(where, name, value, f"Pass the sizes of the axes: `{name}=x.shape[:1]`.")


def _no_integers(where: str, name: str, value: Any, fix: str) -> ArgumentError:
    return ArgumentError(
        where,
        expected=f"`{name}` to be a tuple of integers",
        received=f"{name}={describe(value)}",
        fix=fix,
    )


def float_dtype(where: str, name: str, value: Any) -> np.dtype[Any]:
    """Return `value` as a floating (or complex) dtype.

    Raises:
        ArgumentError: it is not one.
    """
    try:
        dtype: np.dtype[Any] = jnp.dtype(value if value is not None else object)
    except TypeError:
        dtype = np.dtype(object)
    if not jnp.issubdtype(dtype, jnp.inexact):
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a floating dtype",
            received=f"{name}={value!r}",
            fix=f"Pass for example `{name}=jnp.float32` or `{name}=jnp.bfloat16`.",
        )
    return dtype


def optional_dtype(where: str, name: str, value: Any) -> np.dtype[Any] | None:
    """Like `float_dtype`; None stays None.

    Raises:
        ArgumentError: it is neither None nor a floating dtype.
    """
    return None if value is None else float_dtype(where, name, value)


def is_int(value: Any) -> bool:
    """Whether `value` is an integer of Python or NumPy, and not a bool."""
    return type(value) is int or (
        isinstance(value, numbers.Integral) and not isinstance(value, bool)
    )


def is_size(value: Any) -> bool:
    """Whether `value` is a size of an axis: an integer of at least 0, or any number at export."""
    return is_symbolic_dim(value) or (is_int(value) and value >= 0)


def _is_real(value: Any) -> bool:
    return type(value) is float or (isinstance(value, numbers.Real) and not isinstance(value, bool))


def int_axis(where: str, name: str, value: Any) -> int:
    """Return `value`, the position of one axis, as an integer.

    Raises:
        ArgumentError: it is not one.
    """
    if not is_int(value):
        raise ArgumentError(
            where,
            expected=f"`{name}` to be an integer",
            received=f"{name}={describe(value)}",
            fix=f"Pass the position of the axis, for example `{name}=-1`.",
        )
    return operator.index(value)


def batch_axes(where: str, value: Any) -> int:
    """Return `num_batch_axes`, the number of leading axes that a layer leaves as they are.

    Raises:
        ArgumentError: it is no integer of at least 0.
    """
    if not is_int(value) or value < 0:
        raise ArgumentError(
            where,
            expected="`num_batch_axes` to be an integer of at least 0",
            received=f"num_batch_axes={describe(value)}",
            fix="Pass 1 for batches, 0 for single examples.",
        )
    return operator.index(value)


def finite(where: str, name: str, value: Any) -> float:
    """Return `value` as a finite float.

    Raises:
        ArgumentError: it is not one.
    """
    if not _is_real(value) or not math.isfinite(value):
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a finite number",
            received=f"{name}={describe(value)}",
            fix=f"Pass a number, for example `{name}=1.0`.",
        )
    return float(value)


def has_values(array: Any) -> bool:
    """Whether `array` has entries that this process can look at now."""
    if array.size == 0 or isinstance(array, jax.core.Tracer):
        return False
    return not isinstance(array, jax.Array) or array.is_fully_addressable


def positive_number(where: str, name: str, value: Any) -> float:
    """Return `value` as a finite float above 0.

    Raises:
        ArgumentError: it is not one.
    """
    if not _is_real(value) or not 0 < value < math.inf:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a finite number above 0",
            received=f"{name}={describe(value)}",
            fix=f"Pass a positive number, for example `{name}=1.0`.",
        )
    return float(value)
