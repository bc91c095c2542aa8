"""LoRALinear: a linear layer with a low-rank one beside it, and how models get them and lose them.

What flows in and out: the arrays of a linear layer; models, of which layers are exchanged. Nothing
is mutated after `init`. `_lora` shows the whole way, from a model to its fine-tuned successor.
"""

from __future__ import annotations

from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from treexlite._core import Module
from treexlite._core._filters import Filter
from treexlite._core._lazy import is_lazy
from treexlite._errors import ArgumentError, describe
from treexlite.nn._exchange import computes_like, exchange
from treexlite.nn._initializers import InitFunction
from treexlite.nn._linear import Linear
from treexlite.nn._lora import LoRA, expect

M = TypeVar("M")


class LoRALinear(Linear):
    """A `Linear` layer with a `LoRA` beside it: `y = x @ kernel + bias + x @ a @ b * factor`.

    As `b` is zero at first, it computes what the layer computes that it is made of.

    Args:
        layer: a `Linear`, initialised or not, whose arrays and settings it takes over; or the
            number of output features of one with default settings.
        rank: of the small matrices.
        alpha: how much they count; the factor is `alpha / rank`. None: a factor of 1.
        a_init: name or function.
        b_init: name or function.
        param_dtype: what the small matrices are stored in. None: as those of `layer`.

    Shapes:
        x: `(..., in_features)`; y: `(..., features)`; kernel: `(in_features, features)`; bias:
            `(features,)`; lora/a: `(in_features, rank)`; lora/b: `(rank, features)`.

    State:
        None: `kernel`, `bias`, `lora.a` and `lora.b` change by training only. The last two have the
        kind `LoRAParameter`.

    Raises:
        ArgumentError: `layer` is neither a `Linear` nor a positive integer, or a hyper-parameter is
            outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` is a scalar, or its last axis does not match `kernel`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.ones((1, 5))
        >>> base = tx.nn.Linear(3).init(0, x)
        >>> layer = tx.nn.LoRALinear(base, rank=2).init(1)
        >>> list(layer.state_dict()), bool((layer(x) == base(x)).all())
        (['kernel', 'bias', 'lora/a', 'lora/b'], True)

    Reference:
        Hu et al., LoRA: low-rank adaptation of large language models (2021);
        `flax.nnx.LoRALinear`, which has no `alpha` and makes the layer itself.
    """

    lora: LoRA

    def __init__(
        self,
        layer: Linear | int,
        rank: int,
        *,
        alpha: float | None = None,
        a_init: str | InitFunction = "he_uniform",
        b_init: str | InitFunction = "zeros",
        param_dtype: Any = None,
    ) -> None:
        if isinstance(layer, Linear) and computes_like(layer, Linear):
            _check_settled(type(self).__name__, layer)
            super().__init__(layer.features, **_settings(layer))
            self.kernel, self.bias = layer.kernel, layer.bias
        elif not isinstance(layer, Module):
            super().__init__(layer)
        else:
            raise ArgumentError(
                type(self).__name__,
                expected="`layer` to be a plain `Linear`, or a number of features",
                received=f"layer={describe(layer)}",
                fix="Pass for example `tx.nn.Linear(8)`, or the 8 alone.",
            )
        known = not is_lazy(self.kernel)
        self.lora = LoRA(
            self.kernel.shape[-1] if known else self.features,
            rank,
            alpha=alpha,
            a_init=a_init,
            b_init=b_init,
            dtype=self.dtype,
            param_dtype=self.param_dtype if param_dtype is None else param_dtype,
        )
        if known:
            *stacked, in_features, _ = self.kernel.shape
            expect(self.lora, in_features, tuple(stacked))

    def __call__(self, x: jax.Array) -> jax.Array:
        return super().__call__(x) + self.lora(x)

    def merged(self) -> Linear:
        """Return a plain `Linear` that computes the same, with the product added to the kernel.

        The product is computed in float32 at least, and the sum is stored as the kernel is.
        Matrices that are not created yet count as zero.
        """
        layer = Linear(self.features, **_settings(self))
        layer.bias = self.bias
        layer.kernel = self.kernel
        if not any(map(is_lazy, (self.kernel, self.lora.a, self.lora.b))):
            wide = jnp.promote_types(self.kernel.dtype, jnp.float32)
            product = jnp.matmul(self.lora.a.astype(wide), self.lora.b.astype(wide))
            kernel = self.kernel.astype(wide) + product * self.lora.factor
            layer.kernel = kernel.astype(self.kernel.dtype)
        layer.train(self.training, inplace=True)
        return layer.freeze(self.frozen, inplace=True)


def _check_settled(where: str, layer: Any) -> None:
    if layer.features is None:
        raise ArgumentError(
            where,
            expected="a layer whose number of outputs is known",
            received="one that learns it at `init`",
            fix="Initialise the model first: `model = model.init(key, inputs)`.",
        )


def add_lora(
    model: M,
    rank: int,
    *filters: Filter,
    alpha: float | None = None,
    a_init: str | InitFunction = "he_uniform",
    b_init: str | InitFunction = "zeros",
    param_dtype: Any = None,
    inplace: bool = False,
) -> M:
    """Put a `LoRALinear` in the place of every `Linear` of a model.

    Args:
        model: a module, or a container of modules; initialised or not. Call `init` afterwards to
            create the small matrices; what exists is kept. `init(key)` does when the rest exists.
            In a `Repeated` each block gets matrices of its own.
        rank: of the small matrices.
        *filters: a layer is chosen when they all hold for its `kernel`: `"encoder/**"`, a predicate
            on `FieldInfo`. Without any, all are chosen.
        alpha: how much the small matrices count; the factor is `alpha / rank`.
        a_init: name or function.
        b_init: name or function.
        param_dtype: what the small matrices are stored in. None: as those of the layer.
        inplace: change `model` instead of a copy.

    Returns:
        The model. Layers that compute something else than `Linear` stay as they are.

    Raises:
        PathError: a pattern matches no kernel.
        ArgumentError: no layer is chosen, or a hyper-parameter is outside its range.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.MLP([8, 2]).init(0, jnp.ones((1, 3)))
        >>> model = tx.nn.add_lora(model, 4, "layers/0/*").init(1)
        >>> list(model.filter(tx.nn.LoRAParameter).state_dict())
        ['layers/0/lora/a', 'layers/0/lora/b']

    Reference:
        Hu et al., LoRA: low-rank adaptation of large language models (2021).
    """

    def adapted(layer: Linear) -> LoRALinear:
        return LoRALinear(
            layer, rank, alpha=alpha, a_init=a_init, b_init=b_init, param_dtype=param_dtype
        )

    return exchange("add_lora", model, filters, Linear, adapted, inplace)


def merge_lora(model: M, *filters: Filter, inplace: bool = False) -> M:
    """Put a plain `Linear` that computes the same in the place of every `LoRALinear`.

    Args:
        model: a module, or a container of modules.
        *filters: a layer is chosen when they all hold for its `kernel`.
        inplace: change `model` instead of a copy.

    Returns:
        The model.

    Raises:
        PathError: a pattern matches no kernel.
        ArgumentError: no layer is chosen.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.add_lora(tx.nn.MLP([8, 2]), 4).init(1, jnp.ones((1, 3)))
        >>> [type(layer).__name__ for layer in tx.nn.merge_lora(model).layers]
        ['Linear', 'Linear']
    """
    return exchange("merge_lora", model, filters, LoRALinear, LoRALinear.merged, inplace)


def _settings(layer: Linear) -> dict[str, Any]:
    return {
        "use_bias": layer.bias is not None,
        "kernel_init": layer.kernel_init,
        "bias_init": layer.bias_init,
        "dtype": layer.dtype,
        "param_dtype": layer.param_dtype,
    }
