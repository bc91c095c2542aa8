"""Penalties on kernels whose rows or columns are not orthogonal to each other.

What flows in: a kernel, taken as a matrix `(window * in, out)`. What flows out: one number, at
least in float32.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import ArrayLike

from treexlite._core._filters import Filter
from treexlite._errors import unknown_name
from treexlite._kernels import directions, magnitudes, matrix, number, widened
from treexlite.regularizers._regularizer import Regularizer

Mode: TypeAlias = Literal["rows", "columns"]
MODES = ("rows", "columns")


class Orthogonal(Regularizer):
    """Angles: `strength · mean |cos(wᵢ, wⱼ)|` over all pairs of rows, or of columns.

    Lengths do not matter; see `Orthonormal` for vectors of length 1.

    Args:
        strength: factor, at least 0.
        mode: which vectors are meant: of a kernel `(in, out)`, a row belongs to an input and a
            column to an output feature.
        which: as in `Regularizer`.

    Raises:
        ArgumentError: `strength` is no finite number of at least 0.
        UnknownNameError: `mode` is neither of the two.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> regularizer = tx.regularizers.Orthogonal(1.0)
        >>> float(regularizer(jnp.eye(3))), round(float(regularizer(jnp.ones((3, 2)))), 3)
        (0.0, 1.0)

    Reference:
        As `keras.regularizers.OrthogonalRegularizer`, which refuses kernels of convolutions; they
        are taken as matrices here. A vector of zeros is orthogonal to all, and a single vector has
        no penalty, where Keras divides by 0.
    """

    strength: float
    mode: Mode

    def __init__(
        self, strength: float = 0.01, *, mode: Mode = "rows", which: Filter | None = None
    ) -> None:
        super().__init__(which=which)
        where = type(self).__name__
        self.strength = number(where, "strength", strength, 0)
        self.mode = _check_mode(where, mode)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `orthogonal(parameter, strength)` with the mode of this regularizer."""
        return orthogonal(parameter, self.strength, mode=self.mode)


class Orthonormal(Regularizer):
    """Gram matrix: `strength · ‖WᵀW - I‖²`, the squared Frobenius norm, for columns.

    Asks for vectors of length 1, orthogonal to each other, as `tx.nn.initializers.orthogonal` makes
    them. There can be no more of them than they have entries.

    Args:
        strength: factor, at least 0.
        mode: "columns" for WᵀW, "rows" for WWᵀ. None: whichever are fewer.
        which: as in `Regularizer`.

    Raises:
        ArgumentError: `strength` is no finite number of at least 0.
        UnknownNameError: `mode` is neither of the two.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> regularizer = tx.regularizers.Orthonormal(1.0)
        >>> float(regularizer(jnp.eye(3))), float(regularizer(2 * jnp.eye(3)))
        (0.0, 27.0)

    Reference:
        Brock et al., Neural Photo Editing (2016); "soft orthogonality" in Bansal et al., Can We
        Gain More from Orthogonality Regularizations (2018). Keras has no such regularizer.
    """

    strength: float
    mode: Mode | None

    def __init__(
        self, strength: float = 0.01, *, mode: Mode | None = None, which: Filter | None = None
    ) -> None:
        super().__init__(which=which)
        where = type(self).__name__
        self.strength = number(where, "strength", strength, 0)
        self.mode = None if mode is None else _check_mode(where, mode)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `orthonormal(parameter, strength)` with the mode of this regularizer."""
        return orthonormal(parameter, self.strength, mode=self.mode)


def orthogonal(x: ArrayLike, strength: ArrayLike = 0.01, *, mode: Mode = "rows") -> jax.Array:
    """Compute `strength` times the mean |cosine| between two rows, or two columns, of a kernel.

    Args:
        x: the kernel.
        strength: factor.
        mode: "rows" or "columns".

    Shapes:
        x: (in, out), or (*window, in, out), which is taken as (window * in, out).

    Raises:
        ShapeError: `x` has less than two axes.
        UnknownNameError: `mode` is neither of the two.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> kernel = jnp.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
        >>> float(tx.regularizers.orthogonal(kernel, 3.0))
        1.0
        >>> float(tx.regularizers.orthogonal(kernel, 3.0, mode="columns"))
        0.0
    """
    vectors = _vectors("orthogonal", x, mode)
    unit = directions(vectors, (1,))
    count = len(unit)
    cosines = _gram(unit) * (1 - jnp.eye(count, dtype=unit.dtype))
    return jnp.sum(magnitudes(cosines)) / max(count * (count - 1), 1) * strength


def orthonormal(x: ArrayLike, strength: ArrayLike = 0.01, *, mode: Mode | None = None) -> jax.Array:
    """Compute `strength · ‖WᵀW - I‖²` ("columns") or `strength · ‖WWᵀ - I‖²` ("rows").

    Args:
        x: the kernel.
        strength: factor.
        mode: "rows", "columns", or None for whichever are fewer.

    Shapes:
        x: (in, out), or (*window, in, out), which is taken as (window * in, out).

    Raises:
        ShapeError: `x` has less than two axes.
        UnknownNameError: `mode` is neither of the two.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> kernel = jnp.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        >>> float(tx.regularizers.orthonormal(kernel, 1.0))  # the second column is too long
        1.0
    """
    vectors = _vectors("orthonormal", x, mode)
    identity = jnp.eye(len(vectors), dtype=vectors.dtype)
    return jnp.sum(jnp.square(_gram(vectors) - identity)) * strength


def _vectors(where: str, x: ArrayLike, mode: Mode | None) -> jax.Array:
    """Return the rows, or the columns, of a kernel as rows."""
    rows = matrix(where, widened(x))
    chosen = MODES[rows.shape[0] > rows.shape[1]] if mode is None else _check_mode(where, mode)
    return rows if chosen == "rows" else rows.T


def _gram(vectors: jax.Array) -> jax.Array:
    return jnp.dot(vectors, vectors.T, precision=lax.Precision.HIGHEST)


def _check_mode(where: str, mode: Mode) -> Mode:
    if mode not in MODES:
        raise unknown_name(where, "a mode", str(mode), MODES)
    return mode
