"""Gated activations as functions: one half of the features, times a gate made of the other half.

In: an array whose axis holds values and then gates, as one `Linear` of twice the size gives them.
Out: an axis half as long. `GatedFeedForward` is the layer that has both projections.
"""

from __future__ import annotations

import operator

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._activations import Activation
from treexlite.nn._arguments import is_int


def glu(x: jax.Array, axis: int = -1) -> jax.Array:
    """Return `a * sigmoid(b)` of the halves `a, b` of `x`.

    Args:
        x: values and gates, along `axis`.
        axis: which one is halved.

    Shapes:
        x: `(..., 2 * features)`; y: `(..., features)`.

    Raises:
        ArgumentError: `axis` is no integer.
        ShapeError: `x` does not have that axis, or its size is odd.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.glu(jnp.array([3.0, 0.0]))
        Array([1.5], dtype=float32)

    Reference:
        Dauphin et al., Language Modeling with Gated Convolutional Networks (2017). Halves as in
        `jax.nn.glu` and PyTorch's `glu`.
    """
    return _gated("glu", jax.nn.sigmoid, x, axis)


def swiglu(x: jax.Array, axis: int = -1) -> jax.Array:
    """Return `a * silu(b)` of the halves `a, b` of `x`.

    Args:
        x: values and gates, along `axis`.
        axis: which one is halved.

    Shapes:
        x: `(..., 2 * features)`; y: `(..., features)`.

    Raises:
        ArgumentError: `axis` is no integer.
        ShapeError: `x` does not have that axis, or its size is odd.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.swiglu(jnp.array([3.0, 0.0]))
        Array([0.], dtype=float32)

    Reference:
        Shazeer, GLU Variants Improve Transformer (2020). The gate is the second half, as that of
        `glu`; weights that were trained with the gate first need their halves swapped.
    """
    return _gated("swiglu", jax.nn.silu, x, axis)


def geglu(x: jax.Array, axis: int = -1) -> jax.Array:
    """Return `a * gelu(b)` of the halves `a, b` of `x`.

    Args:
        x: values and gates, along `axis`.
        axis: which one is halved.

    Shapes:
        x: `(..., 2 * features)`; y: `(..., features)`.

    Raises:
        ArgumentError: `axis` is no integer.
        ShapeError: `x` does not have that axis, or its size is odd.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.geglu(jnp.ones((2, 6))).shape
        (2, 3)

    Reference:
        Shazeer, GLU Variants Improve Transformer (2020). `gelu` is the tanh approximation, as that
        name means everywhere here.
    """
    return _gated("geglu", jax.nn.gelu, x, axis)


def _gated(where: str, activation: Activation, x: jax.Array, axis: int) -> jax.Array:
    x = jnp.asarray(x)
    if not is_int(axis):
        raise ArgumentError(
            where,
            expected="`axis` to be an integer",
            received=f"axis={describe(axis)}",
            fix="Pass the position of one axis, for example `axis=-1`.",
        )
    axis = operator.index(axis)
    if not -x.ndim <= axis < x.ndim or x.shape[axis] % 2:
        raise ShapeError(
            where,
            expected=f"`x` to have an axis {axis} of even size, for values and gates",
            received=f"x={describe(x)}",
            fix="Make twice as many features before it: `tx.nn.Linear(2 * features)`.",
        )
    value, gate = jnp.split(x, 2, axis)
    return value * activation(gate)
