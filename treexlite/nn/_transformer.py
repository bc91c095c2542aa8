"""Transformer: an encoder, and a decoder that looks at what the encoder made.

What flows in: two sequences of features. What flows out: features for each position of the second
one. What may mutate: the state of the layers.
"""

from __future__ import annotations

from typing import Any

import jax

from treexlite._core import Module
from treexlite.nn._transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer
from treexlite.nn._transformer_stacks import TransformerDecoder, TransformerEncoder


class Transformer(Module):
    """Encode a source, and decode a target that looks at all of the source and at its own past.

    Embeddings, positions and the projection to classes are left to the model around it.

    Args:
        num_heads: number of attention heads.
        hidden: size in the middle of the feed-forward layers.
        num_layers: how many layers the encoder has.
        num_decoder_layers: how many the decoder has. None: as many.
        final_norm: whether the ends of both stacks are normalised. None: with `norm_first`.
        remat: whether intermediates of a layer are computed again during differentiation.
        **options: those that `TransformerEncoderLayer` and `TransformerDecoderLayer` share, for
            all layers: `dropout_rate`, `norm_first`, `dtype`, ...

    Shapes:
        source: `(..., source_time, features)`; target, y: `(..., time, features)`; source_mask:
            over `(source_time, source_time)`; target_mask: over `(time, time)`, beside the causal
            one; context_mask: over `(time, source_time)`; all as in `MultiHeadAttention`. One that
            hides padding of the source, `valid[:, None, :]`, is both source_mask and context_mask.

    State:
        That of the layers.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no activation, initialiser or normalisation has that name.
        ShapeError: an input or a mask does not fit.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> source, target = jnp.ones((3, 7, 4)), jnp.ones((3, 5, 4))
        >>> model = tx.nn.Transformer(2, 16, 2).init(0, (source, target))
        >>> model(source, target).shape, model.encode(source).shape
        ((3, 5, 4), (3, 7, 4))

    Reference:
        Vaswani et al., Attention Is All You Need (2017). `torch.nn.Transformer` normalises at the
        end of both stacks in any case, and is causal only when it is given a mask.
    """

    encoder: TransformerEncoder
    decoder: TransformerDecoder

    def __init__(
        self,
        num_heads: int,
        hidden: int,
        num_layers: int = 6,
        *,
        num_decoder_layers: int | None = None,
        final_norm: bool | None = None,
        remat: bool = False,
        **options: Any,
    ) -> None:
        self.encoder = TransformerEncoder(
            TransformerEncoderLayer(num_heads, hidden, **options),
            num_layers,
            final_norm=final_norm,
            remat=remat,
        )
        self.decoder = TransformerDecoder(
            TransformerDecoderLayer(num_heads, hidden, **options),
            num_layers if num_decoder_layers is None else num_decoder_layers,
            final_norm=final_norm,
            remat=remat,
        )

    def __call__(
        self,
        source: jax.Array,
        target: jax.Array,
        source_mask: jax.Array | None = None,
        target_mask: jax.Array | None = None,
        context_mask: jax.Array | None = None,
    ) -> jax.Array:
        context = self.encode(source, source_mask)
        return self.decode(target, context, target_mask, context_mask)

    def encode(self, source: jax.Array, source_mask: jax.Array | None = None) -> jax.Array:
        """Return the context: what the decoder looks at, of the shape of `source`."""
        return self.encoder(source, source_mask)

    def decode(
        self,
        target: jax.Array,
        context: jax.Array,
        target_mask: jax.Array | None = None,
        context_mask: jax.Array | None = None,
    ) -> jax.Array:
        """Return features for each position of `target`, given the `context` of the source."""
        return self.decoder(target, context, target_mask, context_mask)
