"""Attention against `flax.nnx`: values and all gradients, to 1e-5 in float32."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.conformance.catalogue import SEQUENCES, Staged
from tests.parity.compare import compare_with_function, nnx_function
from treexlite import nn

nnx = pytest.importorskip("flax.nnx", reason="flax is not installed (extra `flax`)")

PARTS = ("query", "key", "value", "out")


@settings(max_examples=examples(5))
@given(
    heads=st.sampled_from([(1, 1), (4, 4), (4, 2), (4, 1)]),
    features=st.sampled_from([None, 3]),
    head_dim=st.sampled_from([None, 3]),
    use_bias=st.booleans(),
    masking=st.sampled_from(["none", "causal", "random", "of heads"]),
    across=st.booleans(),
)
def test_multi_head_attention(
    heads: tuple[int, int],
    features: int | None,
    head_dim: int | None,
    use_bias: bool,
    masking: str,
    across: bool,
) -> None:
    x = SEQUENCES
    batch, time, size = x.shape
    context = jax.random.normal(jax.random.key(9), (batch, 5, 6)) if across else None
    length = 5 if across else time
    full = {"random": (batch, 1, time, length), "of heads": (1, heads[0], time, length)}
    mask = jax.random.bernoulli(jax.random.key(8), 0.6, full.get(masking, (1, 1, 1, 1)))
    mask = mask.at[..., 0].set(True)  # Flax gives a mean where all is masked
    hidden = jnp.tril(jnp.ones((time, length), bool))[None, None]
    causal = masking == "causal"
    ours = nn.MultiHeadAttention(
        heads[0],
        num_kv_heads=heads[1],
        features=features,
        head_dim=head_dim,
        use_bias=use_bias,
        causal=causal,
        bias_init="normal",
    )
    given_mask = mask if masking in full else None
    staged = Staged(ours, lambda layer, x: layer(x, context, mask=given_mask)).init(0, x)
    layer = nnx.MultiHeadAttention(
        heads[0],
        size,
        qkv_features=heads[0] * (head_dim or size // heads[0]),
        out_features=features,
        num_kv_heads=heads[1],
        in_kv_features=6 if across else None,
        use_bias=use_bias,
        rngs=nnx.Rngs(0),
    )
    their_mask = hidden if causal else given_mask
    plain = nnx_function(
        layer,
        {f"{part}/{name}": f"{part}/{name}" for part in PARTS for name in names(use_bias)},
        lambda layer, x: layer(x, context, mask=their_mask, deterministic=True, decode=False),
    )
    shapes = {
        f"{part}/{name}": getattr(getattr(layer, part), name).shape
        for part in PARTS
        for name in names(use_bias)
    }

    def theirs(arrays: dict[str, jax.Array], x: jax.Array) -> Any:
        moved = {path: arrays[f"layer/{path}"].reshape(shape) for path, shape in shapes.items()}
        return plain(moved, x)

    compare_with_function(staged, theirs, x)


def names(use_bias: bool) -> tuple[str, ...]:
    return ("kernel", "bias") if use_bias else ("kernel",)
