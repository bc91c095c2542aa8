"""Orthogonal initialisers: kernels that keep lengths, so that deep networks neither fade nor blow.

They stand on JAX's own, which cannot decompose in half precision: that is done in float32 here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import initializers as jax_initializers

from treexlite._errors import ShapeError
from treexlite.nn.initializers._fixed import at_center


def orthogonal(scale: float = 1.0, column_axis: int = -1) -> Callable[..., jax.Array]:
    """Make an initialiser of matrices with orthonormal columns or rows, whichever are fewer.

    Args:
        scale: factor: the length of the columns (or rows).
        column_axis: the axis of the columns. All others together are the rows.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> kernel = tx.nn.initializers.orthogonal()(jax.random.key(0), (5, 3), "float32")
        >>> jnp.abs(kernel.T @ kernel - jnp.eye(3)).max() < 1e-5
        Array(True, dtype=bool)

    Reference:
        Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
        linear neural networks (2013). The numbers are those of `jax.nn.initializers.orthogonal`.
    """
    return functools.partial(_orthogonal, scale, column_axis)


def delta_orthogonal(scale: float = 1.0, column_axis: int = -1) -> Callable[..., jax.Array]:
    """Make an initialiser of convolutions that keep lengths: orthogonal in the centre alone.

    Args:
        scale: factor.
        column_axis: -1 or -2: the axis of the columns of the matrix in the centre.

    Raises:
        ShapeError: (when called) the kernel has less than two axes, or more inputs than outputs,
            which no map can keep the length of.

    Example:
        >>> import jax, treexlite as tx
        >>> init = tx.nn.initializers.delta_orthogonal()
        >>> kernel = init(jax.random.key(0), (3, 2, 2), "float32")
        >>> [bool(tap.any()) for tap in kernel]
        [False, True, False]

    Reference:
        Xiao et al., Dynamical isometry and a mean field theory of CNNs (2018). The numbers are
        those of `jax.nn.initializers.delta_orthogonal`, which refuses kernels without a window.
    """
    return functools.partial(_delta_orthogonal, scale, column_axis)


def _orthogonal(
    scale: float,
    column_axis: int,
    key: jax.Array,
    shape: tuple[int, ...],
    dtype: Any = jnp.float32,
) -> jax.Array:
    wide = jnp.promote_types(dtype, jnp.float32)
    return jax_initializers.orthogonal(scale, column_axis)(key, shape, wide).astype(dtype)


def _delta_orthogonal(
    scale: float,
    column_axis: int,
    key: jax.Array,
    shape: tuple[int, ...],
    dtype: Any = jnp.float32,
) -> jax.Array:
    if len(shape) < 2 or shape[-2] > shape[-1]:
        raise ShapeError(
            "initializers.delta_orthogonal",
            expected="a kernel (*window, in, out) with at least as many outputs as inputs",
            received=f"shape={shape}",
            fix="Use `orthogonal` where a layer reduces the number of channels.",
        )
    matrix = _orthogonal(scale, column_axis, key, shape[-2:], dtype)
    return at_center(matrix, list(shape[:-2]))
