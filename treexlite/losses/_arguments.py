"""What losses are given: predictions of several parts, masks, options; all checked.

What flows in: what a model returned, and the names that a loss has for its parts. What flows out:
the parts, at least in float32. Nothing is mutated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from treexlite._errors import (
    ArgumentError,
    DataError,
    RangeError,
    ShapeError,
    StructureError,
    describe,
)

_ROUNDING = 1e-3
"""By how much a number may leave its range, as half precision and resized pictures do."""


def parts_of(where: str, preds: Any, names: Sequence[str]) -> tuple[jax.Array, ...]:
    """Return the parts of `preds` in the order of `names`.

    Args:
        where: the loss, for errors.
        preds: a tuple or list of as many arrays as there are names, or a dict with these keys.
        names: of the parts.

    Raises:
        StructureError: `preds` are neither.
        DataError: a part does not hold numbers.
    """
    if isinstance(preds, Mapping) and set(preds) == set(names):
        parts = [preds[name] for name in names]
    elif isinstance(preds, (tuple, list)) and len(preds) == len(names):
        parts = list(preds)
    else:
        listed = ", ".join(names)
        raise StructureError(
            where,
            expected=f"`preds` to be a tuple ({listed}), or a dict with these keys",
            received=f"preds={_contents(preds)}",
            fix="Return these parts from the model, or name where they are with `on`.",
        )
    return tuple(floating(where, name, part) for name, part in zip(names, parts, strict=True))


def floating(where: str, name: str, x: ArrayLike) -> jax.Array:
    """Return an array in its floating dtype, but at least float32.

    Raises:
        DataError: `x` is no array of real numbers.
    """
    try:
        array = jnp.asarray(x)
    except (TypeError, ValueError):
        array = None
    if array is None or jnp.issubdtype(array.dtype, jnp.complexfloating):
        raise DataError(
            where,
            expected=f"`{name}` to be an array of real numbers",
            received=f"{name}={describe(x)}",
            fix="Pass one array; parts of a dict or tuple are chosen with `on`.",
        )
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))


def share(where: str, name: str, x: jax.Array) -> jax.Array:
    """Return numbers between 0 and 1; traced ones that are not, which nobody sees, become NaN.

    Raises:
        RangeError: one is not, by more than rounding explains.
    """
    low, high = -_ROUNDING, 1 + _ROUNDING
    if not isinstance(x, jax.core.Tracer):
        values = np.asarray(x)
        if ((values < low) | (values > high)).any():
            raise RangeError(
                where,
                expected=f"`{name}` between 0 and 1",
                received=f"values from {np.nanmin(values):g} to {np.nanmax(values):g}",
                fix="Turn other labels into these with `x > 0`; divide pixels of 0 to 255 by 255.",
            )
    return jnp.where((x < low) | (x > high), jnp.nan, x)


def check_embeddings(where: str, **parts: jax.Array) -> None:
    """Refuse parts that are not (batch, features), all of one shape.

    Raises:
        ShapeError: they are not.
    """
    shapes = {part.shape for part in parts.values()}
    if len(shapes) > 1 or any(len(shape) != 2 for shape in shapes):
        listed = " and ".join(f"`{name}`" for name in parts)
        raise ShapeError(
            where,
            expected=f"{listed} of one shape (batch, features)",
            received=", ".join(f"{name}.shape={part.shape}" for name, part in parts.items()),
            fix="Give one vector per example; flatten or pool the axes in between.",
        )


def check_mask(where: str, mask: ArrayLike | None, batch: int) -> jax.Array | None:
    """Return a mask as booleans, one for each example.

    Raises:
        ShapeError: its shape is not (batch,).
    """
    if mask is None:
        return None
    present = jnp.asarray(mask) != 0
    if present.shape != (batch,):
        raise ShapeError(
            where,
            expected=f"a mask (or weights) of shape {(batch,)}, one entry per example",
            received=f"shape={present.shape}",
            fix="An example that is compared with others is there as a whole, or not at all.",
        )
    return present


def number(
    where: str, name: str, value: Any, *, positive: bool = False, signed: bool = False
) -> float:
    """Return an option as a float, at least 0; above 0 when `positive`, any when `signed`.

    One that is traced, because it changes during training, cannot be checked, and is returned.

    Raises:
        ArgumentError: it is no finite number, or out of range.
    """
    if isinstance(value, jax.core.Tracer):
        return cast("float", value)
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    in_range = signed or found > 0 or (found == 0 and not positive)
    if not math.isfinite(found) or not in_range:
        limits = "" if signed else " above 0" if positive else " of at least 0"
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a finite number{limits}",
            received=f"{name}={describe(value)}",
            fix="Leave it out for the usual value.",
        )
    return found


def _contents(preds: Any) -> str:
    if isinstance(preds, Mapping):
        return f"a dict with keys {', '.join(map(repr, preds))}"
    if isinstance(preds, (tuple, list)):
        return f"a {type(preds).__name__} of {len(preds)}"
    return describe(preds)
