"""LoRA: fine-tuning by small matrices beside large ones.

What flows in and out: the arrays of a linear layer. Nothing is mutated after `init`. The small
matrices have a kind of their own, `LoRAParameter`, so one word says what is trained:

    model = tx.nn.add_lora(model, 8, "encoder/**").init(key)
    optimizer = tx.Optimizer(optax.adam(1e-3)).init(model.filter(tx.nn.LoRAParameter))
    grads = tx.grad(loss_fn, wrt=tx.nn.LoRAParameter)(model)
    optimizer.update(grads, model)
    model = tx.nn.merge_lora(model)

Paths of the layers that were there do not change, so their checkpoints fit before and after.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Initializer, Module, Parameter, static
from treexlite._errors import ShapeError, describe
from treexlite.nn._arguments import non_negative, positive_int
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._matrix import draw_matrices
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype


class LoRAParameter(Parameter):
    """The small matrices of `LoRA`."""


class LoRA(Module):
    """Multiply with a matrix of low rank, as the product of two: `y = x @ a @ b * (alpha / rank)`.

    Args:
        features: size of the last axis of the output. That of the input is learned at `init`.
        rank: of the product; size of the axis between the two matrices.
        alpha: how much the product counts: with `alpha / rank` the learning rate need not change
            with the rank. None: as much as `rank`, a factor of 1.
        a_init: name or function.
        b_init: name or function; with zeros the layer returns zeros at first.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(..., in_features)`; y: `(..., features)`; a: `(in_features, rank)`; b: `(rank,
            features)`.

    State:
        None: `a` and `b`, of kind `LoRAParameter`, change by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` is a scalar, or its last axis does not match `a`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.LoRA(6, rank=2).init(0, jnp.ones((1, 5)))
        >>> layer.a.shape, layer.b.shape, float(layer(jnp.ones((1, 5))).sum())
        ((5, 2), (2, 6), 0.0)

    Reference:
        Hu et al., LoRA: low-rank adaptation of large language models (2021). `flax.nnx.LoRA` has no
        `alpha`.
    """

    a: jax.Array = LoRAParameter.node()
    b: jax.Array = LoRAParameter.node()
    features: int = static()
    rank: int = static()
    alpha: float = static()
    a_init: str | InitFunction = static()
    b_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        features: int,
        rank: int,
        *,
        alpha: float | None = None,
        a_init: str | InitFunction = "he_uniform",
        b_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.features = positive_int(where, "features", features)
        self.rank = positive_int(where, "rank", rank)
        self.alpha = float(self.rank) if alpha is None else non_negative(where, "alpha", alpha)
        self.a_init = check_initializer(where, "a_init", a_init)
        self.b_init = check_initializer(where, "b_init", b_init)
        choose_dtypes(self, dtype, param_dtype)

    @property
    def factor(self) -> float:
        """What the product is multiplied with: `alpha / rank`."""
        return self.alpha / self.rank

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        if self.initializing() and x.ndim:
            create(self, "a", self.a_init, (x.shape[-1], self.rank), self.param_dtype)
            create(self, "b", self.b_init, (self.rank, self.features), self.param_dtype)
        self._check_features(x)
        dtype = compute_dtype(self.dtype, x, self.a, self.b)
        small = jnp.dot(x.astype(dtype), self.a.astype(dtype))  # (..., rank)
        return jnp.dot(small, self.b.astype(dtype)) * self.factor

    def _check_features(self, x: jax.Array) -> None:
        if x.ndim == 0 or x.shape[-1] != self.a.shape[0]:
            size = "for the features" if x.ndim == 0 else f"of size {self.a.shape[0]} (as `a` has)"
            raise ShapeError(
                type(self).__name__,
                expected=f"`x` to have a last axis {size}",
                received=f"x={describe(x)}",
                fix=f"Pass such features, or `init` a new {type(self).__name__} for others.",
            )


def expect(lora: LoRA, in_features: int, stacked: tuple[int, ...] = ()) -> None:
    """Let `init` create the parameters for inputs of this size, whether it sees one or not.

    Args:
        lora: the layer.
        in_features: size of the last axis of its input.
        stacked: sizes of axes in front, of a layer that stands for many, as in `Repeated`.
    """
    num = len(stacked)
    axes = (list(range(num)), [num], [num + 1])
    sizes = {"a": (in_features, lora.rank), "b": (lora.rank, lora.features)}
    for name, init in (("a", lora.a_init), ("b", lora.b_init)):
        shape = (*stacked, *sizes[name])
        f = functools.partial(
            draw_matrices, type(lora).__name__, init, axes, shape=shape, dtype=lora.param_dtype
        )
        setattr(lora, name, Initializer(f))
