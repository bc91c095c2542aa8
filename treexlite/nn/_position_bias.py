"""Positions as a bias of attention: what is added to the logits for each distance.

What flows in: the positions of queries `(..., time)` and of keys `(..., context_time)`. What flows
out: `(..., heads, time, context_time)`. Nothing is mutated after `init`. They are passed to an
attention layer as `position_bias`.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._core import Initializer, Module, Parameter, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import positive_int
from treexlite.nn._initializers import InitFunction, check_initializer, draw
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype, pad_rank


class ALiBi(Module):
    """Look less at what is far: `bias = -slope * |query position - key position|`.

    The slopes of the heads are a geometric sequence, `2 ** (-8 / num_heads)` and its powers, for
    powers of two; for another number of heads, those of the next smaller power of two and every
    other one of the next larger.

    Args:
        num_heads: number of heads.

    Shapes:
        query_positions: `(..., time)`; key_positions: `(..., context_time)`, by default the same;
        y: `(..., heads, time, context_time)`, in float32.

    State:
        None: there are no parameters.

    Raises:
        ArgumentError: `num_heads` is below 1.
        ShapeError: positions have no time axis.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.ALiBi(8)(jnp.arange(3))[0]
        Array([[ 0. , -0.5, -1. ],
               [-0.5,  0. , -0.5],
               [-1. , -0.5,  0. ]], dtype=float32)

    Reference:
        Press, Smith and Lewis, Train Short, Test Long (2022). For causal attention only; the
        absolute value makes it fit for both directions. Where key positions alone are weighted, as
        in Bloom, the logits of a query differ by a constant, and the weights not at all.
    """

    num_heads: int = static()

    def __init__(self, num_heads: int) -> None:
        self.num_heads = positive_int(type(self).__name__, "num_heads", num_heads)

    def __call__(self, query_positions: Any, key_positions: Any = None) -> jax.Array:
        offset = _offsets(type(self).__name__, query_positions, key_positions)
        slopes = jnp.asarray(_slopes(self.num_heads), jnp.float32)
        slopes = slopes.reshape((1,) * (offset.ndim - 2) + (self.num_heads, 1, 1))
        return slopes * (-jnp.abs(offset))[..., None, :, :].astype(jnp.float32)


class RelativePositionBias(Module):
    """Learn one number for each head and each range of distances: `bias = embedding[bucket]`.

    Half of the buckets hold one distance each, the smallest ones; the other half grow with the
    logarithm of the distance up to `max_distance`, and the last one holds all that is farther.

    Args:
        num_heads: number of heads.
        num_buckets: number of ranges.
        max_distance: from where on all distances are alike.
        bidirectional: whether keys before and after the query have half of the buckets each. If
            not, all keys after it are in the bucket of distance 0, for causal attention.
        embedding_init: name or function.
        dtype: type of the output. None: that of the table.
        param_dtype: what the table is stored in.

    Shapes:
        query_positions: `(..., time)`, integers; key_positions: `(..., context_time)`, by default
            the same; y: `(..., heads, time, context_time)`; embedding: `(num_buckets, num_heads)`.

    State:
        None: `embedding` changes by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or positions are no integers.
        UnknownNameError: no initialiser has that name.
        ShapeError: positions have no time axis.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.RelativePositionBias(4).init(0)(jnp.arange(5)).shape
        (4, 5, 5)

    Reference:
        Raffel et al., T5 (2020), and its implementation in `transformers`.
    """

    embedding: jax.Array = Parameter.node()
    num_heads: int = static()
    num_buckets: int = static()
    max_distance: int = static()
    bidirectional: bool = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        num_heads: int,
        *,
        num_buckets: int = 32,
        max_distance: int = 128,
        bidirectional: bool = True,
        embedding_init: str | InitFunction = "embed_normal",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.num_heads = positive_int(where, "num_heads", num_heads)
        self.num_buckets = positive_int(where, "num_buckets", num_buckets)
        self.max_distance = positive_int(where, "max_distance", max_distance)
        self.bidirectional = bidirectional
        choose_dtypes(self, dtype, param_dtype)
        init = check_initializer(where, "embedding_init", embedding_init)
        self._check_buckets()
        shape = (self.num_buckets, self.num_heads)
        create = functools.partial(draw, where, init, shape, self.param_dtype)
        self.embedding = Initializer(create)  # type: ignore[assignment]  # until `init`

    def __call__(self, query_positions: Any, key_positions: Any = None) -> jax.Array:
        where = type(self).__name__
        offset = _offsets(where, query_positions, key_positions)
        if not jnp.issubdtype(offset.dtype, jnp.integer):
            raise ArgumentError(
                where,
                expected="integer positions",
                received=f"differences of dtype {offset.dtype}",
                fix="Convert the positions with `positions.astype(int)`.",
            )
        y = self.embedding[self._bucket(offset)]  # (..., time, context_time, heads)
        return jnp.moveaxis(y, -1, -3).astype(compute_dtype(self.dtype, self.embedding))

    def _bucket(self, offset: jax.Array) -> jax.Array:
        buckets = self.num_buckets
        first = jnp.zeros_like(offset)
        if self.bidirectional:
            buckets //= 2
            first = jnp.where(offset > 0, buckets, first)
            distance = jnp.abs(offset)
        else:
            distance = jnp.maximum(-offset, 0)
        exact = buckets // 2
        growth = jnp.log(jnp.maximum(distance, 1).astype(jnp.float32) / exact)
        growth = growth / math.log(self.max_distance / exact) * (buckets - exact)
        far = jnp.minimum(exact + growth.astype(offset.dtype), buckets - 1)
        return first + jnp.where(distance < exact, distance, far)

    def _check_buckets(self) -> None:
        exact = self.num_buckets // (4 if self.bidirectional else 2)
        if not 0 < exact < self.max_distance:
            raise ArgumentError(
                type(self).__name__,
                expected=(
                    f"`num_buckets` to be at least {4 if self.bidirectional else 2}, and"
                    " `max_distance` to be larger than the number of buckets of one distance"
                ),
                received=f"num_buckets={self.num_buckets}, max_distance={self.max_distance}",
                fix="T5 has num_buckets=32 and max_distance=128.",
            )


def _offsets(where: str, query_positions: Any, key_positions: Any) -> jax.Array:
    """Return how far after each query each key is: `(..., time, context_time)`."""
    query = jnp.asarray(query_positions)
    key = query if key_positions is None else jnp.asarray(key_positions)
    if query.ndim == 0 or key.ndim == 0:
        raise ShapeError(
            where,
            expected="positions with a time axis",
            received=f"query_positions={describe(query)}, key_positions={describe(key)}",
            fix="Pass those of all times: `jnp.arange(time)`.",
        )
    ndim = max(query.ndim, key.ndim)
    return pad_rank(key, ndim)[..., None, :] - pad_rank(query, ndim)[..., :, None]


def _slopes(heads: int) -> np.ndarray[Any, Any]:
    power = 2 ** (heads.bit_length() - 1)
    slopes = 2.0 ** (-8.0 / power * np.arange(1, power + 1))
    between = 2.0 ** (-4.0 / power * np.arange(1, 2 * power + 1, 2))
    return np.concatenate([slopes, between[: heads - power]])
