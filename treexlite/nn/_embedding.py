"""Embed: a table with one vector for each of a number of things.

What flows in: integer ids of any shape. What flows out: their vectors, in a new last axis; `attend`
goes the other way, from vectors to one score for each entry. Nothing is mutated after `init`.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import Initializer, Module, Parameter, static
from treexlite._core._calls import check_ready
from treexlite._errors import ShapeError, describe
from treexlite.nn._arguments import positive_int
from treexlite.nn._creation import fill
from treexlite.nn._initializers import InitFunction, check_initializer, draw
from treexlite.nn._inputs import as_array
from treexlite.nn._lookup import check_ids, look_up, padding_entry
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype


class Embed(Module):
    """Look ids up in a table: `y = embedding[ids]`.

    Args:
        num_embeddings: number of entries; ids run from 0 to `num_embeddings - 1`.
        features: size of each vector.
        padding_id: an id whose vector is zeros, and is not trained. None: there is no such id.
        embedding_init: name or function; by default vectors have length 1 on average.
        dtype: type of the output. None: that of the table.
        param_dtype: what the table is stored in.

    Shapes:
        ids: `(...)`, integers; y: `(..., features)`; embedding: `(num_embeddings, features)`.

    State:
        None: `embedding` changes by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or `ids` are no integers.
        UnknownNameError: no initialiser has that name.
        RangeError: an id is negative or too large. Inside a transformation ids have no values to
            look at; the vector of such an id is then NaN throughout, so that the loss shows it.
        ShapeError: the last axis of the input to `attend` is not `features`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Embed(10, 4).init(0)
        >>> layer(jnp.array([[1, 2, 3]])).shape, layer.attend(jnp.ones((2, 4))).shape
        ((1, 3, 4), (2, 10))

    Reference:
        Initial values as in Flax, where a negative id counts from the end. Under tracing PyTorch on
        GPUs aborts, and Keras returns zeros or clips, depending on the backend.
    """

    embedding: jax.Array = Parameter.node()
    num_embeddings: int = static()
    features: int = static()
    padding_id: int | None = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        num_embeddings: int,
        features: int,
        *,
        padding_id: int | None = None,
        embedding_init: str | InitFunction = "embed_normal",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.num_embeddings = positive_int(where, "num_embeddings", num_embeddings)
        self.features = positive_int(where, "features", features)
        self.padding_id = padding_entry(where, padding_id, self.num_embeddings)
        choose_dtypes(self, dtype, param_dtype)
        init = check_initializer(where, "embedding_init", embedding_init)
        shape = (self.num_embeddings, self.features)
        create = functools.partial(draw, where, init, shape, self.param_dtype)
        self.embedding = Initializer(create)  # type: ignore[assignment]  # until `init`

    def __call__(self, ids: ArrayLike) -> jax.Array:
        fix = "Map unknown ids to an entry of their own, or raise `num_embeddings`."
        index = check_ids(type(self).__name__, "ids", ids, self.num_embeddings, fix)
        y = look_up(self.embedding, index)  # (..., features)
        if self.padding_id is not None:
            y = jnp.where((index == self.padding_id)[..., None], jnp.zeros_like(y), y)
        return y.astype(compute_dtype(self.dtype, self.embedding))

    def attend(self, x: jax.Array) -> jax.Array:
        """Return `x @ embedding.T`: how well each entry matches, the logits of a tied output layer.

        Args:
            x: `(..., features)`.

        Returns:
            `(..., num_embeddings)`.

        Raises:
            ShapeError: the last axis of `x` is not `features`.
            NotInitializedError: the table is not created yet.
        """
        x = as_array(self, x)
        if self.initializing():
            fill(self, "embedding")
        check_ready(self)
        if x.ndim == 0 or x.shape[-1] != self.features:
            raise ShapeError(
                f"{type(self).__name__}.attend",
                expected=f"the last axis of `x` to be features={self.features}",
                received=f"x={describe(x)}",
                fix=f"Pass features of size {self.features}; project them with a `Linear` before.",
            )
        dtype = compute_dtype(self.dtype, x, self.embedding)
        return jnp.dot(x.astype(dtype), self.embedding.astype(dtype).T)  # (..., num_embeddings)
