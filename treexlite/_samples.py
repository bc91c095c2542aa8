"""What flows in beside the arrays: the part that `on` names, weights per example, checked labels.

Pure functions; nothing is mutated. `where` is the name of the class or function that an error
names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike, DTypeLike

from treexlite._errors import RangeError, ShapeError, StructureError, describe

On: TypeAlias = str | int | Sequence[str | int] | None
"""A key, an index, or a path of them into dicts, tuples and lists; None is the whole."""


def select(where: str, name: str, tree: Any, on: On) -> Any:
    """Return the part of `tree` (the argument called `name`) that `on` leads to.

    Raises:
        StructureError: there is no such part. An array is never indexed: its first axis holds
            examples.
    """
    if on is None:
        return tree
    part = tree
    for step in (on,) if isinstance(on, (str, int)) else on:
        try:
            part = _item(part, step)
        except (LookupError, TypeError):
            raise StructureError(
                where,
                expected=f"a part of `{name}` at on={on!r}",
                received=f"{_contents(part)}, which has no {step!r}",
                fix="Name a key or an index that targets and predictions both have.",
            ) from None
    return part


def _item(part: Any, step: str | int) -> Any:
    if isinstance(step, str) and step in getattr(part, "_fields", ()):
        return getattr(part, step)  # a named tuple
    if isinstance(part, (Mapping, list, tuple)):
        return part[step]  # type: ignore[index]  # a wrong pair is a TypeError, as is an array
    raise TypeError


def _contents(part: Any) -> str:
    if isinstance(part, Mapping):
        return f"a {type(part).__name__} with keys {', '.join(map(repr, part))}"
    if isinstance(part, (list, tuple)):
        return f"a {type(part).__name__} of {len(part)}"
    return describe(part)


def hide_absent(tree: Any, weights: ArrayLike) -> Any:
    """Put zeros in place of the examples of weight 0, or for which a mask is not True.

    Such an example is absent, whatever it holds. Multiplying by 0 would not be enough: a NaN or a
    label that has no class would still reach the value, and the gradient, as 0 * NaN.
    """
    present = jnp.asarray(weights) != 0

    def hide(x: ArrayLike) -> ArrayLike:
        shape = jnp.shape(x)
        if present.shape != shape[: present.ndim]:
            return x
        zero = jnp.zeros((), jnp.result_type(x))
        return jnp.where(_spread(present, len(shape)), x, zero)

    return jax.tree.map(hide, tree)


def align_weights(
    where: str, sample_weight: ArrayLike, shape: tuple[int, ...], dtype: DTypeLike
) -> jax.Array:
    """Lay weights over values of the given shape, along the leading axes.

    Shapes:
        sample_weight: the first axes of `shape`, any number of them: (batch,) for (batch, time).

    Returns:
        The weights, broadcast to `shape`, in the dtype of the values.

    Raises:
        ShapeError: the axes of `sample_weight` are not the first axes of the values.
    """
    weights = jnp.asarray(sample_weight).astype(dtype)
    if weights.shape != shape[: weights.ndim]:
        raise ShapeError(
            where,
            expected=f"`sample_weight` to have the first axes of the values, of shape {shape}",
            received=f"sample_weight.shape={weights.shape}",
            fix=f"Give one weight per example (shape {shape[:1]}) or per value (shape {shape}).",
        )
    return jnp.broadcast_to(_spread(weights, len(shape)), shape)


def align_mask(where: str, mask: ArrayLike, shape: tuple[int, ...]) -> jax.Array:
    """Lay a mask over values of the given shape, along the leading axes.

    Shapes:
        mask: the first axes of `shape`, any number of them.

    Returns:
        Booleans, broadcast to `shape`.

    Raises:
        ShapeError: the axes of `mask` are not the first axes of the values.
    """
    present = jnp.asarray(mask) != 0
    if present.shape != shape[: present.ndim]:
        raise ShapeError(
            where,
            expected=f"`mask` to have the first axes of the values, of shape {shape}",
            received=f"mask.shape={present.shape}",
            fix=f"Give one entry per example (shape {shape[:1]}) or per value (shape {shape}).",
        )
    return jnp.broadcast_to(_spread(present, len(shape)), shape)


def all_present(masks: Sequence[ArrayLike]) -> jax.Array | None:
    """Return where all of some masks or weights are not 0, None when there are none.

    Shapes:
        masks: leading axes of one shape, any number of them.
        returns: that of the longest.
    """
    presents = [jnp.asarray(mask) != 0 for mask in masks]
    if not presents:
        return None
    rank = max(present.ndim for present in presents)
    shape = next(present.shape for present in presents if present.ndim == rank)
    together = jnp.ones(shape, bool)
    for present in presents:
        together &= _spread(present, rank)
    return together


def _spread(x: jax.Array, rank: int) -> jax.Array:
    """Append axes of size 1 until `x` has the given rank."""
    return x.reshape(x.shape + (1,) * (rank - x.ndim))


def check_labels(where: str, labels: jax.Array, classes: int) -> None:
    """Refuse labels that have no class, as far as they can be seen: traced ones cannot.

    Raises:
        RangeError: a label is below 0, or not below `classes`.
    """
    if isinstance(labels, jax.core.Tracer) or labels.size == 0:
        return
    values = np.asarray(labels)  # JAX would trace the minimum of labels that a trace closes over
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= classes:
        raise RangeError(
            where,
            expected=f"labels from 0 to {classes - 1}, one for each of {classes} classes",
            received=f"labels from {low} to {high}",
            fix="Number the classes from 0, and give examples to leave out a `sample_weight` of 0.",
        )
