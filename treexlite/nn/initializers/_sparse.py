"""Sparse initialisation: every unit listens to few others at first."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ShapeError
from treexlite.nn._arguments import non_negative, unit_fraction


def sparse(sparsity: float, stddev: float = 0.01) -> Callable[..., jax.Array]:
    """Make an initialiser that leaves each output unit few connections, from a normal distribution.

    Args:
        sparsity: fraction of the inputs of each unit (an entry of the last axis) whose weight is
            zero; the number of zeros is rounded up.
        stddev: standard deviation of the others.

    Raises:
        ArgumentError: `sparsity` is no fraction, or `stddev` is negative.
        ShapeError: (when called) the shape has less than two axes.

    Example:
        >>> import jax, treexlite as tx
        >>> kernel = tx.nn.initializers.sparse(0.75)(jax.random.key(0), (8, 3), "float32")
        >>> (kernel != 0).sum(0)
        Array([2, 2, 2], dtype=int32)

    Reference:
        Martens, Deep learning via Hessian-free optimization (2010). `torch.nn.init.sparse_` thins
        out the connections that leave an input of `torch.nn.Linear`, not those that enter a unit.
    """
    where = "initializers.sparse"
    sparsity = unit_fraction(where, "sparsity", sparsity)
    return functools.partial(_sparse, sparsity, non_negative(where, "stddev", stddev))


def _sparse(
    sparsity: float,
    stddev: float,
    key: jax.Array,
    shape: tuple[int, ...],
    dtype: Any = jnp.float32,
) -> jax.Array:
    if len(shape) < 2:
        raise ShapeError(
            "initializers.sparse",
            expected="a kernel (..., in, out) of at least two axes",
            received=f"shape={shape}",
            fix="Use `normal` for vectors.",
        )
    rows = math.prod(shape[:-1])
    for_values, for_order = jax.random.split(key)
    values = jax.random.normal(for_values, (rows, shape[-1]), dtype) * jnp.asarray(stddev, dtype)
    order = jax.random.uniform(for_order, (rows, shape[-1])).argsort(axis=0)  # of each column
    return jnp.where(order < math.ceil(sparsity * rows), 0, values).reshape(shape)
