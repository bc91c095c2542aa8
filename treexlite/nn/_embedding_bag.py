"""EmbeddingBag: one vector for a bag of ids.

What flows in: integer ids whose last axis is a bag. What flows out: the sum, the mean or the
maximum of their vectors. Nothing is mutated after `init`.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import Initializer, Module, Parameter, static
from treexlite._errors import ArgumentError, ShapeError, describe, unknown_name
from treexlite.nn._arguments import float_dtype, optional_dtype, positive_int
from treexlite.nn._initializers import InitFunction, check_initializer, draw
from treexlite.nn._lookup import check_ids, look_up, padding_entry
from treexlite.nn._promotion import broadcasts, compute_dtype

_MODES = ("sum", "mean", "max")


class EmbeddingBag(Module):
    """Look the ids of a bag up and reduce: `y = sum(embedding[ids] * weights)`, or mean or maximum.

    Args:
        num_embeddings: number of entries; ids run from 0 to `num_embeddings - 1`.
        features: size of each vector.
        mode: `"sum"`, `"mean"` or `"max"`.
        padding_id: an id that does not belong to any bag, so that bags can have different sizes.
        embedding_init: name or function; by default vectors have length 1 on average.
        dtype: type of the output. None: that of the table, and of the weights.
        param_dtype: what the table is stored in.

    Shapes:
        ids: `(..., bag)`, integers; weights, for `"sum"` only: as ids; mask: bool, broadcasts to
            ids, True for ids that belong to the bag;
        y: `(..., features)`, zeros for an empty bag; embedding: `(num_embeddings, features)`.

    State:
        None: `embedding` changes by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, `ids` are no integers, `mask` is not
            bool, or there are `weights` for another mode than `"sum"`.
        UnknownNameError: there is no such `mode`, or no such initialiser.
        RangeError: an id is negative or too large. Inside a transformation ids have no values to
            look at; the vector of their bag is then NaN.
        ShapeError: `ids` has no axes, or `weights` or `mask` does not fit it.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.EmbeddingBag(10, 2, embedding_init="ones", padding_id=0).init(0)
        >>> layer(jnp.array([[4, 2, 7], [5, 0, 0]])).tolist()
        [[3.0, 3.0], [1.0, 1.0]]

    Reference:
        As `torch.nn.EmbeddingBag` on bags of one size; bags of different sizes are padded here,
        and there given by offsets into one long list.
    """

    embedding: jax.Array = Parameter.node()
    num_embeddings: int = static()
    features: int = static()
    mode: str = static()
    padding_id: int | None = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        num_embeddings: int,
        features: int,
        *,
        mode: str = "sum",
        padding_id: int | None = None,
        embedding_init: str | InitFunction = "embed_normal",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.num_embeddings = positive_int(where, "num_embeddings", num_embeddings)
        self.features = positive_int(where, "features", features)
        if mode not in _MODES:
            raise unknown_name(where, "a reduction", str(mode), _MODES)
        self.mode = mode
        self.padding_id = padding_entry(where, padding_id, self.num_embeddings)
        self.dtype = optional_dtype(where, "dtype", dtype)
        self.param_dtype = float_dtype(where, "param_dtype", param_dtype)
        init = check_initializer(where, "embedding_init", embedding_init)
        shape = (self.num_embeddings, self.features)
        create = functools.partial(draw, where, init, shape, self.param_dtype)
        self.embedding = Initializer(create)  # type: ignore[assignment]  # until `init`

    def __call__(
        self, ids: ArrayLike, weights: ArrayLike | None = None, *, mask: ArrayLike | None = None
    ) -> jax.Array:
        fix = "Map unknown ids to an entry of their own, or raise `num_embeddings`."
        index = check_ids(type(self).__name__, "ids", ids, self.num_embeddings, fix)
        factors, member = self._check(index, weights, mask)
        dtype = compute_dtype(self.dtype, self.embedding, factors)
        vectors = look_up(self.embedding, index)  # (..., bag, features)
        vectors = vectors.astype(jnp.promote_types(dtype, jnp.float32))
        if factors is not None:
            vectors = vectors * factors[..., None].astype(vectors.dtype)
        return self._reduce(vectors, member).astype(dtype)  # (..., features)

    def _reduce(self, vectors: jax.Array, member: jax.Array | None) -> jax.Array:
        """Reduce the axis of the bags, over those for which `member` holds."""
        inside = None if member is None else member[..., None]  # (..., bag, 1)
        if self.mode == "max":
            highest = vectors.max(-2, initial=-jnp.inf, where=inside)
            return jnp.where(highest == -jnp.inf, jnp.zeros_like(highest), highest)
        total = vectors.sum(-2, where=inside)
        if self.mode == "sum":
            return total
        size = vectors.shape[-2] if inside is None else inside.sum(-2)
        return total / jnp.maximum(size, 1).astype(total.dtype)

    def _check(
        self, ids: jax.Array, weights: Any, mask: Any
    ) -> tuple[jax.Array | None, jax.Array | None]:
        """Return the weights, and which ids belong to their bag; None when all do."""
        where = type(self).__name__
        if weights is not None and self.mode != "sum":
            raise ArgumentError(
                where,
                expected=f"no `weights` with mode='{self.mode}'",
                received=f"weights={describe(jnp.asarray(weights))}",
                fix="Weights are for mode='sum'; divide them by their sum for a weighted mean.",
            )
        factors = None if weights is None else jnp.asarray(weights)
        member = None if mask is None else jnp.asarray(mask)
        if member is not None and member.dtype != jnp.bool_:
            raise ArgumentError(
                where,
                expected="`mask` to be bool",
                received=f"mask={describe(member)}",
                fix="Compare, for example `ids != 0`; `weights` are for numbers.",
            )
        fits = ids.ndim > 0 and (factors is None or factors.shape == ids.shape)
        if not fits or (member is not None and not broadcasts(member.shape, ids.shape)):
            raise ShapeError(
                where,
                expected="`ids` of shape (..., bag), with `weights` and `mask` of the same",
                received=", ".join(
                    f"{name}={describe(array)}"
                    for name, array in (("ids", ids), ("weights", factors), ("mask", member))
                    if array is not None
                ),
                fix="Give each id its own weight; one bag alone is `ids[None]`.",
            )
        if self.padding_id is not None:
            real = ids != self.padding_id
            member = real if member is None else member & real
        return factors, member
