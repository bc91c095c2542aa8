"""Merge layers: several arrays become one, element by element.

What flows in: arrays, as arguments of their own or as one list or tuple. What flows out: one array,
in the type that they promote to. Nothing is mutated.

Axes of size 1 are stretched, as NumPy does it; but arrays of different
rank are refused (except scalars), because NumPy and Keras would put the missing axes in different
places.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._promotion import compute_dtype


class Merge(Module):
    """Base of the merge layers: takes several arrays, or one sequence of them."""

    count: int | None = None  # how many arrays; None: at least one

    def __call__(self, *arrays: Any) -> jax.Array:
        where = type(self).__name__
        return self._merged(where, _arrays(where, arrays, self.count))

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        raise NotImplementedError


class Add(Merge):
    """Add arrays: `y = a + b + ...`.

    Shapes:
        each array: of the same rank, with axes of equal size or 1; y: the larger sizes.

    State:
        None.

    Raises:
        ArgumentError: there are no arrays.
        ShapeError: they do not fit together.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Add()(jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0]))
        Array([4., 6.], dtype=float32)

    Reference:
        Keras's `Add`, whose list `Add()([a, b])` is taken too. Keras puts the axes that an array
        lacks behind its first one; here they are spelled out, `a[:, None]`.
    """

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        return _elementwise(where, jnp.add, arrays)


class Subtract(Merge):
    """Subtract the second array from the first: `y = a - b`.

    Shapes:
        a, b: of the same rank, with axes of equal size or 1; y: the larger sizes.

    State:
        None.

    Raises:
        ArgumentError: there are not two arrays.
        ShapeError: they do not fit together.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Subtract()(jnp.array([1.0, 2.0]), jnp.array([3.0, 5.0]))
        Array([-2., -3.], dtype=float32)

    Reference:
        Keras's `Subtract`; see `Add`.
    """

    count = 2

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        return _elementwise(where, jnp.subtract, arrays)


class Multiply(Merge):
    """Multiply arrays element by element: `y = a * b * ...`.

    Shapes:
        each array: of the same rank, with axes of equal size or 1; y: the larger sizes.

    State:
        None.

    Raises:
        ArgumentError: there are no arrays.
        ShapeError: they do not fit together.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Multiply()(jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0]))
        Array([3., 8.], dtype=float32)

    Reference:
        Keras's `Multiply`; see `Add`.
    """

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        return _elementwise(where, jnp.multiply, arrays)


class Average(Merge):
    """Average arrays element by element: `y = (a + b + ...) / count`.

    The sum is taken in float32 at least; integers become float32.

    Shapes:
        each array: of the same rank, with axes of equal size or 1; y: the larger sizes.

    State:
        None.

    Raises:
        ArgumentError: there are no arrays.
        ShapeError: they do not fit together.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Average()(jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0]))
        Array([2., 3.], dtype=float32)

    Reference:
        Keras's `Average`; see `Add`.
    """

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        dtype = compute_dtype(None, *arrays)
        wide = jnp.promote_types(dtype, jnp.float32)
        total = _elementwise(where, jnp.add, [array.astype(wide) for array in arrays])
        return (total / len(arrays)).astype(dtype)


class Maximum(Merge):
    """Take the largest value at each place: `y = max(a, b, ...)`.

    Shapes:
        each array: of the same rank, with axes of equal size or 1; y: the larger sizes.

    State:
        None.

    Raises:
        ArgumentError: there are no arrays.
        ShapeError: they do not fit together.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Maximum()(jnp.array([1.0, 4.0]), jnp.array([3.0, 2.0]))
        Array([3., 4.], dtype=float32)

    Reference:
        Keras's `Maximum`; see `Add`. Where two arrays are equal, each gets half of the gradient.
    """

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        return _elementwise(where, jnp.maximum, arrays)


class Minimum(Merge):
    """Take the smallest value at each place: `y = min(a, b, ...)`.

    Shapes:
        each array: of the same rank, with axes of equal size or 1; y: the larger sizes.

    State:
        None.

    Raises:
        ArgumentError: there are no arrays.
        ShapeError: they do not fit together.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Minimum()(jnp.array([1.0, 4.0]), jnp.array([3.0, 2.0]))
        Array([1., 2.], dtype=float32)

    Reference:
        Keras's `Minimum`; see `Maximum`.
    """

    def _merged(self, where: str, arrays: list[jax.Array]) -> jax.Array:
        return _elementwise(where, jnp.minimum, arrays)


def _arrays(where: str, given: Sequence[Any], count: int | None) -> list[jax.Array]:
    if len(given) == 1 and isinstance(given[0], (list, tuple)):
        given = given[0]
    if not given or (count is not None and len(given) != count):
        raise ArgumentError(
            where,
            expected=f"{count or 'at least one'} array{'' if count is None else 's'}",
            received=f"{len(given)} of them",
            fix=f"Call it with the arrays: `layer(a, b)` or `layer([a, b])`, where `layer` is a"
            f" `{where}`.",
        )
    for position, array in enumerate(given):
        if isinstance(array, (dict, list, tuple)):
            raise ArgumentError(
                where,
                expected="arrays, or one list or tuple of arrays",
                received=f"a {type(array).__name__} as argument {position}",
                fix="Pass the arrays of a dict one by one: `layer(*outputs.values())`.",
            )
    return [jnp.asarray(array) for array in given]


def _elementwise(
    where: str, f: Callable[[Any, Any], jax.Array], arrays: list[jax.Array]
) -> jax.Array:
    shaped = [(position, array) for position, array in enumerate(arrays) if array.ndim]
    sizes: list[int] = []
    for position, array in shaped:
        sizes = sizes or [1] * array.ndim
        if len(sizes) != array.ndim:
            raise ShapeError(
                where,
                expected=f"array {position} to have {len(sizes)} axes, as the others have",
                received=describe(array),
                fix="Say where the missing axes belong, for example `a[:, None, None, :]`.",
            )
        for axis, (known, size) in enumerate(zip(sizes, array.shape, strict=True)):
            if 1 not in (known, size) and known != size:
                raise ShapeError(
                    where,
                    expected=f"axis {axis} of array {position} to have size {known} or 1",
                    received=describe(array),
                    fix="Bring the arrays to one shape; only axes of size 1 are stretched.",
                )
            sizes[axis] = size if known == 1 else known
    return functools.reduce(f, arrays)
