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
        lambda **d: nn.MultiHeadAttention(4, num_kv_heads=2, causal=True, **d),
        SEQUENCES,
        PROJECTIONS,
        has_dtype=True,
    ),
]
