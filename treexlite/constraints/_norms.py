"""Constraints on the lengths of vectors of weights.

What flows in: one array. What flows out: the same directions with other lengths; a vector of zeros
has no direction, and stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core._filters import Filter
from treexlite._errors import ArgumentError
from treexlite._kernels import directions, lengths, measured_axes, number, optional_axes, widened
from treexlite.constraints._constraint import Constraint


class MaxNorm(Constraint):
    """Lengths of at most `max_value`: longer vectors are scaled down, the others left alone.

    Args:
        max_value: the largest length, at least 0.
        axis: the axis or axes along which lengths are measured. None: all but the last, so that the
            weights that lead into one output feature are measured together, of a kernel `(in, out)`
            and of a convolution's `(*window, in, out)`; an array with one axis is one vector. For
            the rows of an embedding it is -1, for kernels stacked along their first axis -2.
        which: as in `Constraint`.

    Raises:
        ArgumentError: `max_value` is no finite number of at least 0, or `axis` names no axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> kernel = jnp.array([[3.0, 0.6], [4.0, 0.8]])  # columns of lengths 5 and 1
        >>> tx.constraints.MaxNorm(2.5)(kernel)
        Array([[1.5, 0.6],
               [2. , 0.8]], dtype=float32)

    Reference:
        Srivastava et al., Dropout (2014). As `keras.constraints.MaxNorm`, with three differences:
        its axis is 0 by default, which of a convolution measures along the window alone; it divides
        by the length plus 1e-7, which also shortens vectors that are short enough; and lengths
        overflow there at 1e19. `torch.renorm(kernel, 2, -1, max_value)` measures as we do.
    """

    max_value: float
    axis: tuple[int, ...] | None

    def __init__(
        self,
        max_value: float = 2.0,
        *,
        axis: int | Sequence[int] | None = None,
        which: Filter | None = None,
    ) -> None:
        super().__init__(which=which)
        where = type(self).__name__
        self.max_value = number(where, "max_value", max_value, 0)
        self.axis = optional_axes(where, axis)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `max_norm(parameter, max_value)` along the axes of this constraint."""
        return max_norm(parameter, self.max_value, axis=self.axis)


class UnitNorm(Constraint):
    """Lengths of 1.

    Args:
        axis: as in `MaxNorm`.
        which: as in `Constraint`.

    Raises:
        ArgumentError: `axis` names no axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.constraints.UnitNorm()(jnp.array([[3.0, 0.0], [4.0, 0.0]]))
        Array([[0.6, 0. ],
               [0.8, 0. ]], dtype=float32)

    Reference:
        As `keras.constraints.UnitNorm`; the differences are those of `MaxNorm`.
    """

    axis: tuple[int, ...] | None

    def __init__(
        self, *, axis: int | Sequence[int] | None = None, which: Filter | None = None
    ) -> None:
        super().__init__(which=which)
        self.axis = optional_axes(type(self).__name__, axis)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `unit_norm(parameter)` along the axes of this constraint."""
        return unit_norm(parameter, axis=self.axis)


class MinMaxNorm(Constraint):
    """Lengths from `min_value` to `max_value`, all at once or by and by.

    Args:
        min_value: the smallest length, at least 0. A vector of zeros stays, whatever it is.
        max_value: the largest length, at least `min_value`.
        rate: which part of the way to go each time, from 0 to 1. With 1 lengths are allowed at
            once; less pulls them there over several updates.
        axis: as in `MaxNorm`.
        which: as in `Constraint`.

    Raises:
        ArgumentError: a number is outside its range, or `axis` names no axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> kernel = jnp.array([[3.0, 0.3], [4.0, 0.4]])  # columns of lengths 5 and 0.5
        >>> tx.constraints.MinMaxNorm(1.0, 2.5)(kernel)
        Array([[1.5, 0.6],
               [2. , 0.8]], dtype=float32)

    Reference:
        As `keras.constraints.MinMaxNorm`; the differences are those of `MaxNorm`.
    """

    min_value: float
    max_value: float
    rate: float
    axis: tuple[int, ...] | None

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        *,
        rate: float = 1.0,
        axis: int | Sequence[int] | None = None,
        which: Filter | None = None,
    ) -> None:
        super().__init__(which=which)
        where = type(self).__name__
        self.min_value = number(where, "min_value", min_value, 0)
        self.max_value = number(where, "max_value", max_value, 0)
        self.rate = number(where, "rate", rate, 0, 1)
        self.axis = optional_axes(where, axis)
        if self.min_value > self.max_value:
            raise ArgumentError(
                where,
                expected="`min_value` to be at most `max_value`",
                received=f"min_value={min_value}, max_value={max_value}",
                fix="Swap them.",
            )

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `min_max_norm(parameter, ...)` with the options of this constraint."""
        return min_max_norm(
            parameter, self.min_value, self.max_value, rate=self.rate, axis=self.axis
        )


def max_norm(
    x: ArrayLike, max_value: ArrayLike = 2.0, *, axis: int | Sequence[int] | None = None
) -> jax.Array:
    """Scale vectors that are longer than `max_value` down to that length.

    Args:
        x: an array.
        max_value: the largest length.
        axis: the axis or axes along which lengths are measured. None: all but the last.

    Raises:
        ShapeError: `x` does not have one of the axes.
        ArgumentError: `axis` names no axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.constraints.max_norm(jnp.array([3.0, 4.0]), 1.0)
        Array([0.6, 0.8], dtype=float32)
    """
    return _with_lengths("max_norm", x, axis, lambda length: jnp.minimum(length, max_value))


def unit_norm(x: ArrayLike, *, axis: int | Sequence[int] | None = None) -> jax.Array:
    """Scale vectors to length 1.

    Args:
        x: an array.
        axis: the axis or axes along which lengths are measured. None: all but the last.

    Raises:
        ShapeError: `x` does not have one of the axes.
        ArgumentError: `axis` names no axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.constraints.unit_norm(jnp.array([[0.0, 5.0], [3.0, 0.0]]), axis=-1).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    return _with_lengths("unit_norm", x, axis, jnp.ones_like)


def min_max_norm(
    x: ArrayLike,
    min_value: ArrayLike = 0.0,
    max_value: ArrayLike = 1.0,
    *,
    rate: ArrayLike = 1.0,
    axis: int | Sequence[int] | None = None,
) -> jax.Array:
    """Scale vectors to lengths `(1 - rate) * length + rate * clip(length, min_value, max_value)`.

    Args:
        x: an array.
        min_value: the smallest length.
        max_value: the largest length.
        rate: which part of the way to go.
        axis: the axis or axes along which lengths are measured. None: all but the last.

    Raises:
        ShapeError: `x` does not have one of the axes.
        ArgumentError: `axis` names no axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.constraints.min_max_norm(jnp.array([3.0, 4.0]), 0.0, 1.0, rate=0.25)  # 5 to 4
        Array([2.4, 3.2], dtype=float32)
    """

    def wanted(length: jax.Array) -> jax.Array:
        return length + rate * (jnp.clip(length, min_value, max_value) - length)

    return _with_lengths("min_max_norm", x, axis, wanted)


def _with_lengths(
    where: str,
    x: ArrayLike,
    axis: int | Sequence[int] | None,
    wanted: Callable[[jax.Array], jax.Array],
) -> jax.Array:
    """Give the vectors of `x` other lengths; one that has its length already keeps every bit."""
    wide = widened(x)
    axes = measured_axes(where, optional_axes(where, axis), wide)
    length = lengths(wide, axes)
    goal = wanted(length)
    return jnp.where(goal == length, wide, directions(wide, axes) * goal)
