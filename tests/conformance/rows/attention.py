"""Attention and what is built of it."""

import jax
import jax.numpy as jnp

import treexlite as tx
from tests.conformance.rows.layer import SEQUENCES, WEIGHTS, Layer, Staged
from treexlite import nn

PROJECTIONS = {
    f"{child}/{name}": kind
    for child in ("query", "key", "value", "out")
    for name, kind in WEIGHTS.items()
}


def weigh(x: jax.Array, bias: jax.Array) -> jax.Array:
    """Mix the last axis of `x` by the biases of all heads."""
    return jnp.einsum("...s,hts->...ht", x, bias)


ROWS = [
    Layer(
        "MultiHeadAttention",
        lambda **d: nn.MultiHeadAttention(2, **d),
        SEQUENCES,
        PROJECTIONS,
        has_dtype=True,
    ),
    Layer(
        "MultiHeadAttention with everything",
        lambda: nn.MultiHeadAttention(
            4,
            features=3,
            head_dim=2,
            num_kv_heads=2,
            causal=True,
            window=(5, 0),
            dropout_rate=0.2,
            qk_norm=True,
            rotary=nn.RotaryEmbedding(),
            position_bias=nn.RelativePositionBias(4, num_buckets=4, max_distance=3),
            use_bias=False,
        ),
        SEQUENCES,
        {
            **{f"{child}/kernel": tx.Parameter for child in ("query", "key", "value", "out")},
            "query_norm/scale": tx.Parameter,
            "key_norm/scale": tx.Parameter,
            "dropout/key": tx.Rng,
            "position_bias/embedding": tx.Parameter,
        },
    ),
    Layer(
        "MultiHeadAttention across",
        lambda: Staged(nn.MultiHeadAttention(2), lambda layer, x: layer(x, x[..., ::2, :] + 1)),
        SEQUENCES,
        {f"layer/{path}": kind for path, kind in PROJECTIONS.items()},
    ),
    Layer(
        "RotaryEmbedding",
        lambda: Staged(nn.RotaryEmbedding(fraction=0.5), lambda layer, x: layer(x[..., None, :])),
        SEQUENCES,
        random=False,
    ),
    Layer(
        "ALiBi",
        lambda: Staged(
            nn.ALiBi(3),
            lambda layer, x: weigh(x, layer(jnp.arange(4)).astype(x.dtype)),
        ),
        SEQUENCES,
        random=False,
    ),
    Layer(
        "RelativePositionBias",
        lambda: Staged(
            nn.RelativePositionBias(3, num_buckets=4, max_distance=2),
            lambda layer, x: weigh(x, layer(jnp.arange(4))),
        ),
        SEQUENCES,
        {"layer/embedding": tx.Parameter},
    ),
]
