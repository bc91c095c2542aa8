"""Activation functions that `jax.nn` does not have.

What flows in: an array. What flows out: the same shape and dtype, every entry by itself unless the
function says otherwise (`softmin`, `sparsemax`, `maxout`). They are compositions of JAX's own
functions, so gradients and transformations come with them.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ShapeError, describe


def _floating(x: ArrayLike) -> jax.Array:
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(jnp.float32)


def gelu_exact(x: ArrayLike) -> jax.Array:
    """Return `x * P(normal variable <= x)`, by the error function.

    `gelu` is the approximation by tanh.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> [round(float(y), 4) for y in tx.nn.gelu_exact(jnp.array([-1.0, 1.0]))]
        [-0.1587, 0.8413]

    Reference:
        Hendrycks and Gimpel, Gaussian error linear units (2016); what PyTorch and Keras call gelu.
    """
    return jax.nn.gelu(_floating(x), approximate=False)


def quick_gelu(x: ArrayLike) -> jax.Array:
    """Return `x * sigmoid(1.702 x)`, a rougher approximation of GELU, which CLIP is trained with.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> [round(float(y), 4) for y in tx.nn.quick_gelu(jnp.array([-1.0, 1.0]))]
        [-0.1542, 0.8458]
    """
    x = _floating(x)
    return x * jax.nn.sigmoid(1.702 * x)


def relu_squared(x: ArrayLike) -> jax.Array:
    """Return `max(x, 0)²`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.relu_squared(jnp.array([-2.0, 3.0]))
        Array([0., 9.], dtype=float32)

    Reference:
        So et al., Primer: searching for efficient transformers (2021).
    """
    return jnp.square(jax.nn.relu(_floating(x)))


def hard_shrink(x: ArrayLike, threshold: float = 0.5) -> jax.Array:
    """Return `x` where it is further than `threshold` from zero, and 0 elsewhere.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.hard_shrink(jnp.array([-2.0, 0.5, 1.0]))
        Array([-2.,  0.,  1.], dtype=float32)

    Reference:
        `torch.nn.functional.hardshrink`.
    """
    x = _floating(x)
    return jnp.where(jnp.abs(x) <= threshold, jnp.zeros_like(x), x)


def soft_shrink(x: ArrayLike, threshold: float = 0.5) -> jax.Array:
    """Move `x` by `threshold` towards zero, and no further.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.soft_shrink(jnp.array([-2.0, 0.5, 1.0]))
        Array([-1.5,  0. ,  0.5], dtype=float32)

    Reference:
        `torch.nn.functional.softshrink`; the proximal map of an L1 penalty.
    """
    x = _floating(x)
    return jnp.where(jnp.abs(x) <= threshold, jnp.zeros_like(x), x - jnp.sign(x) * threshold)


def tanh_shrink(x: ArrayLike) -> jax.Array:
    """Return `x - tanh(x)`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> [round(float(y), 4) for y in tx.nn.tanh_shrink(jnp.array([0.0, 2.0]))]
        [0.0, 1.036]

    Reference:
        `torch.nn.functional.tanhshrink`.
    """
    x = _floating(x)
    return x - jnp.tanh(x)


def threshold(x: ArrayLike, threshold: float, value: float = 0.0) -> jax.Array:
    """Return `x` where it is above `threshold`, and `value` elsewhere.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.threshold(jnp.array([-2.0, 0.5, 1.0]), 0.5, -1.0)
        Array([-1., -1.,  1.], dtype=float32)

    Reference:
        `torch.nn.functional.threshold`.
    """
    x = _floating(x)
    return jnp.where(x <= threshold, jnp.full_like(x, value), x)


def softmin(x: ArrayLike, axis: int = -1) -> jax.Array:
    """Return `softmax(-x)`: weights that sum to 1 along `axis`, the largest where `x` is least.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> [round(float(y), 4) for y in tx.nn.softmin(jnp.array([0.0, jnp.log(3.0)]))]
        [0.75, 0.25]

    Reference:
        `torch.nn.functional.softmin`.
    """
    return jax.nn.softmax(-_floating(x), axis)


def sparsemax(x: ArrayLike, axis: int = -1) -> jax.Array:
    """Return the point of the simplex nearest to `x`: like softmax, but most weights are exactly 0.

    It is `max(x - tau, 0)`, with the `tau` for which the sum along `axis` is 1. That follows from
    the sorted entries: of those that stay positive, of number k and sum s, it is `(s - 1) / k`.

    Args:
        x: logits of any shape; computed in float32 at least.
        axis: along which the weights sum to 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.sparsemax(jnp.array([1.0, 1.5, -1.0]))
        Array([0.25, 0.75, 0.  ], dtype=float32)

    Reference:
        Martins and Astudillo, From softmax to sparsemax (2016). In Keras 3.15 the weights of
        `keras.ops.sparsemax` do not sum to 1 when more than one of them is positive.
    """
    given = _floating(x)
    x = jnp.moveaxis(given.astype(jnp.promote_types(given.dtype, jnp.float32)), axis, -1)
    x = x - jax.lax.stop_gradient(x.max(-1, keepdims=True, initial=-jnp.inf))
    order = jnp.flip(jnp.sort(jax.lax.stop_gradient(x), -1), -1)
    count = jnp.arange(1, x.shape[-1] + 1, dtype=x.dtype).reshape((1,) * (x.ndim - 1) + (-1,))
    positive = 1 + count * order > jnp.cumsum(order, -1)  # for the first k, in order
    least = jnp.where(positive, order, jnp.inf).min(-1, keepdims=True, initial=jnp.inf)
    inside = ~(x < least)  # NaN too, and then the sum and all entries are
    size = inside.sum(-1, keepdims=True).astype(x.dtype)
    tau = (jnp.where(inside, x, 0).sum(-1, keepdims=True) - 1) / size
    y = jnp.where(inside, x - tau, 0)
    return jnp.moveaxis(y, -1, axis).astype(given.dtype)


def maxout(x: ArrayLike, num_pieces: int, axis: int = -1) -> jax.Array:
    """Return the maximum of each group of `num_pieces` neighbours along `axis`.

    Raises:
        ShapeError: `num_pieces` does not divide that axis.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.maxout(jnp.array([1.0, 5.0, 2.0, 0.0]), 2)
        Array([5., 2.], dtype=float32)

    Reference:
        Goodfellow et al., Maxout networks (2013).
    """
    x = jnp.asarray(x)
    if not -x.ndim <= axis < x.ndim or num_pieces < 1 or x.shape[axis] % num_pieces:
        raise ShapeError(
            "maxout",
            expected=f"`x` to have an axis {axis} whose size is divisible by"
            f" num_pieces={num_pieces}",
            received=f"x={describe(x)}",
            fix="Choose a divisor of the number of features.",
        )
    axis = axis % x.ndim
    groups = (*x.shape[:axis], x.shape[axis] // num_pieces, num_pieces, *x.shape[axis + 1 :])
    return x.reshape(groups).max(axis + 1)
