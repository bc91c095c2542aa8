"""Attention and what is built of it."""

import jax.numpy as jnp

import treexlite as tx
from tests.conformance.rows.layer import SEQUENCES, WEIGHTS, Layer, Staged
from treexlite import nn

PROJECTIONS = {
    f"{child}/{name}": kind
    for child in ("query", "key", "value", "out")
    for name, kind in WEIGHTS.items()
}

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
        lambda **d: nn.MultiHeadAttention(
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
            **d,
        ),
        SEQUENCES,
        {
            **{f"{child}/kernel": tx.Parameter for child in ("query", "value", "out", "key")},
            "query_norm/scale": tx.Parameter,
            "key_norm/scale": tx.Parameter,
            "dropout/key": tx.Rng,
            "position_bias/embedding": tx.Parameter,
        },
        has_dtype=True,
    ),
    Layer(
        "MultiHeadAttention across",
        lambda **d: Staged(
            nn.MultiHeadAttention(2, **d), lambda layer, x: layer(x, x[..., ::2, :] + 1)
        ),
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
            lambda layer, x: x[..., None] * layer(jnp.arange(4))[:, 1].T.astype(x.dtype),
        ),
        SEQUENCES,
        random=False,
    ),
    Layer(
        "RelativePositionBias",
        lambda: Staged(
            nn.RelativePositionBias(3, num_buckets=4, max_distance=2),
            lambda layer, x: x[..., None] * layer(jnp.arange(4)).sum(-1).T,
        ),
        SEQUENCES,
        {"layer/embedding": tx.Parameter},
    ),
]
