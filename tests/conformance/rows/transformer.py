"""What transformers are built of: feed-forward layers, experts, whole layers and their stacks."""

from typing import Any

import treexlite as tx
from tests.conformance.rows.layer import SEQUENCES, Layer
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
]
