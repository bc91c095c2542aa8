"""What transformers are built of: feed-forward layers, experts, whole layers and their stacks."""

from typing import Any

import jax

import treexlite as tx
from tests.conformance.rows.attention import PROJECTIONS
from tests.conformance.rows.layer import SEQUENCES, Layer, Staged
from treexlite import nn


def linear(path: str, use_bias: bool = False) -> dict[str, type]:
    """The fields of a Linear."""
    names = ("kernel", "bias") if use_bias else ("kernel",)
    return {f"{path}/{name}": tx.Parameter for name in names}


UP_DOWN = {**linear("up", True), **linear("down", True)}
GATED = {**linear("up"), **linear("down"), **linear("gate")}
ROUTED = {**linear("router"), **{f"experts/{path}": kind for path, kind in GATED.items()}}


def experts(**options: Any) -> tx.Module:
    dtypes = {name: options[name] for name in ("dtype", "param_dtype") if name in options}
    return nn.MoE(nn.SwiGLU(6, **dtypes), 4, **options)


Fields = dict[str, type]


def below(path: str, fields: Fields) -> Fields:
    return {f"{path}/{name}": kind for name, kind in fields.items()}


def norm(path: str) -> Fields:
    return below(path, {"scale": tx.Parameter, "bias": tx.Parameter})


KEY = {"dropout/key": tx.Rng}
FEED_FORWARD = {**below("feed_forward", UP_DOWN), **norm("feed_forward_norm")}
ENCODER = {**below("attention", PROJECTIONS), **norm("attention_norm"), **FEED_FORWARD}
NOISY_ENCODER = {
    **below("attention", {**PROJECTIONS, **KEY}),
    **norm("attention_norm"),
    **below("feed_forward", {**UP_DOWN, **KEY}),
    **norm("feed_forward_norm"),
    **KEY,
}
DECODER = {
    **below("self_attention", PROJECTIONS),
    **norm("self_attention_norm"),
    **below("cross_attention", PROJECTIONS),
    **norm("cross_attention_norm"),
    **FEED_FORWARD,
}


def look_back(layer: Any, x: jax.Array) -> jax.Array:
    """Call a layer that takes a second sequence."""
    return layer(x, x[..., 3:, :])


ROWS: list[Layer] = [
    Layer(
        "FeedForward",
        lambda **options: nn.FeedForward(6, **options),
        SEQUENCES,
        UP_DOWN,
        has_dtype=True,
    ),
    Layer(
        "GatedFeedForward",
        lambda **options: nn.GatedFeedForward(6, activation="tanh", features=3, **options),
        SEQUENCES,
        GATED,
        has_dtype=True,
    ),
    Layer("SwiGLU", lambda **options: nn.SwiGLU(6, **options), SEQUENCES, GATED, has_dtype=True),
    Layer("GEGLU", lambda **options: nn.GEGLU(6, **options), SEQUENCES, GATED, has_dtype=True),
    Layer("MoE", experts, SEQUENCES, {"balance_loss": tx.LossLog, **ROUTED}, has_dtype=True),
    Layer(
        "MoE with a capacity",
        # enough for all, because which tokens are dropped depends on the whole batch
        lambda: nn.MoE(nn.SwiGLU(6), 4, capacity_factor=2.0, z_weight=0.1),
        SEQUENCES,
        {
            "balance_loss": tx.LossLog,
            "z_loss": tx.LossLog,
            "dropped": tx.MetricLog,
            **ROUTED,
        },
    ),
    Layer(
        "TransformerEncoderLayer",
        lambda **options: nn.TransformerEncoderLayer(2, 6, norm_first=False, **options),
        SEQUENCES,
        ENCODER,
        has_dtype=True,
    ),
    Layer(
        "TransformerDecoderLayer",
        lambda **options: Staged(nn.TransformerDecoderLayer(2, 6, **options), look_back),
        SEQUENCES,
        below("layer", DECODER),
        has_dtype=True,
    ),
    Layer(
        "TransformerEncoder",
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(2, 6, causal=True, dropout_rate=0.2), 2, remat=True
        ),
        SEQUENCES,
        {**below("layers/block", NOISY_ENCODER), **norm("norm")},
    ),
    Layer(
        "TransformerDecoder",
        lambda **options: Staged(
            nn.TransformerDecoder(nn.TransformerDecoderLayer(2, 6, **options), 2), look_back
        ),
        SEQUENCES,
        below("layer", {**below("layers/block", DECODER), **norm("norm")}),
        has_dtype=True,
    ),
    Layer(
        "Transformer",
        lambda: Staged(nn.Transformer(2, 6, 1, norm_first=False), look_back),
        SEQUENCES,
        below(
            "layer",
            {**below("encoder/layers/block", ENCODER), **below("decoder/layers/block", DECODER)},
        ),
    ),
]
