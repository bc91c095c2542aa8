"""Stacks of transformer layers, compiled as one, with a normalisation at the end.

What flows in and out: sequences `(..., time, features)`, of the same shape. What may mutate: the
state of the layers.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module
from treexlite._errors import ArgumentError, describe
from treexlite.nn._repeated import Repeated
from treexlite.nn._transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer


class TransformerEncoder(Module):
    """`num_layers` encoder layers, one after the other.

    Args:
        layer: a description, `TransformerEncoderLayer(...)`; every layer has parameters of its own.
        num_layers: how many.
        final_norm: whether to normalise the output, in the way of the layers. None: when their
            `norm_first` is True, because nothing is normalised then after the last sum.
        remat: whether intermediates of a layer are computed again during differentiation, instead
            of being kept.
        unroll: how many layers the compiler may write out in one go.

    Shapes:
        x, y: `(..., time, features)`; mask, positions: as in the layer, the same for all; arrays of
            `layers/block`: with `num_layers` as a new first axis.

    State:
        That of the layers. Each has its own, random keys included.

    Raises:
        ArgumentError: `layer` is something else or has data, or `num_layers` is below 1.
        ShapeError: `x` or `mask` does not fit.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.TransformerEncoderLayer(2, 16)
        >>> model = tx.nn.TransformerEncoder(layer, 6).init(0, jnp.ones((1, 5, 4)))
        >>> model(jnp.ones((3, 5, 4))).shape, model.layers.block.attention.query.kernel.shape
        ((3, 5, 4), (6, 4, 4))

    Reference:
        `torch.nn.TransformerEncoder`, where the last normalisation is passed in.
    """

    layers: Repeated
    norm: Module | None

    def __init__(
        self,
        layer: TransformerEncoderLayer,
        num_layers: int,
        *,
        final_norm: bool | None = None,
        remat: bool = False,
        unroll: int | bool = 1,
    ) -> None:
        _check_layer(type(self).__name__, layer, TransformerEncoderLayer)
        self.layers = Repeated(layer, num_layers, remat=remat, unroll=unroll)
        self.norm = _final_norm(layer, final_norm)

    def __call__(
        self, x: jax.Array, mask: jax.Array | None = None, positions: jax.Array | None = None
    ) -> jax.Array:
        y = self.layers(_as_output(x, self.layers.block), mask, positions)
        return y if self.norm is None else self.norm(y)  # type: ignore[no-any-return]


class TransformerDecoder(Module):
    """`num_layers` decoder layers, one after the other, all of which look at one context.

    Args:
        layer: a description, `TransformerDecoderLayer(...)`; every layer has parameters of its own.
        num_layers: how many.
        final_norm: whether to normalise the output, in the way of the layers. None: when their
            `norm_first` is True, because nothing is normalised then after the last sum.
        remat: whether intermediates of a layer are computed again during differentiation, instead
            of being kept.
        unroll: how many layers the compiler may write out in one go.

    Shapes:
        x, y: `(..., time, features)`; context: `(..., context_time, context_features)`; mask,
            context_mask, positions: as in the layer, the same for all; arrays of `layers/block`:
            with `num_layers` as a new first axis.

    State:
        That of the layers. Each has its own, random keys included.

    Raises:
        ArgumentError: `layer` is something else or has data, or `num_layers` is below 1.
        ShapeError: `x`, `context` or a mask does not fit.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x, context = jnp.ones((3, 5, 4)), jnp.ones((3, 7, 6))
        >>> layer = tx.nn.TransformerDecoderLayer(2, 16)
        >>> tx.nn.TransformerDecoder(layer, 6).init(0, (x, context))(x, context).shape
        (3, 5, 4)

    Reference:
        `torch.nn.TransformerDecoder`, where the last normalisation is passed in.
    """

    layers: Repeated
    norm: Module | None

    def __init__(
        self,
        layer: TransformerDecoderLayer,
        num_layers: int,
        *,
        final_norm: bool | None = None,
        remat: bool = False,
        unroll: int | bool = 1,
    ) -> None:
        _check_layer(type(self).__name__, layer, TransformerDecoderLayer)
        self.layers = Repeated(layer, num_layers, remat=remat, unroll=unroll)
        self.norm = _final_norm(layer, final_norm)

    def __call__(
        self,
        x: jax.Array,
        context: jax.Array,
        mask: jax.Array | None = None,
        context_mask: jax.Array | None = None,
        positions: jax.Array | None = None,
    ) -> jax.Array:
        x = _as_output(x, self.layers.block)
        y = self.layers(x, jnp.asarray(context), mask, context_mask, positions)
        return y if self.norm is None else self.norm(y)  # type: ignore[no-any-return]


def _check_layer(where: str, layer: Any, expected: type[Module]) -> None:
    if not isinstance(layer, expected):
        raise ArgumentError(
            where,
            expected=f"`layer` to be a `{expected.__name__}`",
            received=describe(layer),
            fix="Repeat other blocks with `tx.nn.Repeated`.",
        )


def _final_norm(layer: Any, wanted: bool | None) -> Module | None:
    """Return another normalisation like those of the layer, or None."""
    wanted = layer.norm_first if wanted is None else wanted
    return layer.feed_forward_norm.copy() if wanted else None


def _as_output(x: jax.Array, layer: Any) -> jax.Array:
    """Return `x` in the dtype of a layer's output, which the next layer gets."""
    x = jnp.asarray(x)
    return x.astype(layer.dtype or jnp.promote_types(x.dtype, layer.param_dtype))
