"""The layers that `layers.py` compares, each beside the same layer of Flax NNX.

A new layer is a row of `ROWS`: a name, ours, theirs, the shape of the input; and how to call them,
when that is not `layer(x)`. Both sides have as many parameters and give the same output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from treexlite import nn

FEATURES, STEPS, IMAGE = (256, 256), (16, 64, 128), (16, 32, 32, 32)


def call(layer: Any, x: Any) -> Any:
    """How most layers are called."""
    return layer(x)


@dataclass(frozen=True)
class Row:
    """A layer on both sides.

    Attributes:
        name: of the row.
        ours: builds our layer.
        theirs: builds that of NNX from its `Rngs`.
        shape: of the input.
        training: whether the layers are in training mode.
        call: how ours is called, `(layer, x) -> array`.
        their_call: how theirs is called.
        ids: whether the input is integers below 1000, for a table.
    """

    name: str
    ours: Callable[[], Any]
    theirs: Callable[[nnx.Rngs], Any]
    shape: tuple[int, ...]
    training: bool = True
    call: Callable[[Any, Any], Any] = call
    their_call: Callable[[Any, Any], Any] = call
    ids: bool = False

    def input(self) -> jax.Array:
        """Return a fixed input."""
        rng = np.random.default_rng(0)
        if self.ids:
            return jnp.asarray(rng.integers(0, 1000, self.shape))
        return jnp.asarray(rng.normal(size=self.shape), jnp.float32)


ROWS: tuple[Row, ...] = (
    Row("Linear", lambda: nn.Linear(512), lambda r: nnx.Linear(256, 512, rngs=r), FEATURES),
    Row(
        "Linear over steps, no bias",
        lambda: nn.Linear(256, use_bias=False),
        lambda r: nnx.Linear(128, 256, use_bias=False, rngs=r),
        STEPS,
    ),
    Row(
        "LinearGeneral",
        lambda: nn.LinearGeneral((8, 32)),
        lambda r: nnx.LinearGeneral(128, (8, 32), rngs=r),
        STEPS,
    ),
    Row(
        "Einsum",
        lambda: nn.Einsum("bthi,hio->btho", {"o": 32}, bias_axes="ho"),
        lambda r: nnx.Einsum("bthi,hio->btho", (8, 16, 32), (8, 32), rngs=r),
        (*STEPS[:2], 8, 16),
    ),
    Row(
        "EinMix",
        lambda: nn.EinMix("b t (h i) -> b t h o", "h i o", "h o", h=8, o=32),
        lambda r: nnx.Einsum("bthi,hio->btho", (8, 16, 32), (8, 32), rngs=r),
        STEPS,
        their_call=lambda layer, x: layer(x.reshape(*x.shape[:2], 8, 16)),
    ),
    Row(
        "LoRALinear",
        lambda: nn.LoRALinear(256, 4),
        lambda r: nnx.LoRALinear(128, 256, lora_rank=4, rngs=r),
        STEPS,
    ),
    Row(
        "Conv 3x3",
        lambda: nn.Conv(64, (3, 3)),
        lambda r: nnx.Conv(32, 64, (3, 3), rngs=r),
        IMAGE,
    ),
    Row(
        "Conv 3x3, strides 2",
        lambda: nn.Conv(64, (3, 3), strides=2, use_bias=False),
        lambda r: nnx.Conv(32, 64, (3, 3), strides=2, use_bias=False, rngs=r),
        IMAGE,
    ),
    Row(
        "Conv 1x1",
        lambda: nn.Conv(64, (1, 1)),
        lambda r: nnx.Conv(32, 64, (1, 1), rngs=r),
        IMAGE,
    ),
    Row(
        "Conv 3x3, depthwise",
        lambda: nn.Conv(32, (3, 3), groups=32),
        lambda r: nnx.Conv(32, 32, (3, 3), feature_group_count=32, rngs=r),
        IMAGE,
    ),
    Row(
        "Conv causal, dilation 2",
        lambda: nn.Conv(128, 3, padding="CAUSAL", dilation=2),
        lambda r: nnx.Conv(128, 128, (3,), padding="CAUSAL", kernel_dilation=2, rngs=r),
        STEPS,
    ),
    Row(
        "ConvTranspose 3x3, strides 2",
        lambda: nn.ConvTranspose(16, (3, 3), strides=2),
        lambda r: nnx.ConvTranspose(32, 16, (3, 3), strides=(2, 2), rngs=r),
        IMAGE,
    ),
    Row(
        "BatchNorm, training",
        lambda: nn.BatchNorm(),
        lambda r: nnx.BatchNorm(32, use_running_average=False, use_fast_variance=False, rngs=r),
        IMAGE,
    ),
    Row(
        "BatchNorm, evaluation",
        lambda: nn.BatchNorm(),
        lambda r: nnx.BatchNorm(32, use_running_average=True, rngs=r),
        IMAGE,
        training=False,
    ),
    Row(
        "LayerNorm",
        lambda: nn.LayerNorm(),
        lambda r: nnx.LayerNorm(128, use_fast_variance=False, rngs=r),
        STEPS,
    ),
    Row("RMSNorm", lambda: nn.RMSNorm(), lambda r: nnx.RMSNorm(128, rngs=r), STEPS),
    Row(
        "GroupNorm",
        lambda: nn.GroupNorm(8),
        lambda r: nnx.GroupNorm(32, 8, use_fast_variance=False, rngs=r),
        IMAGE,
    ),
    Row("Dropout", lambda: nn.Dropout(0.1), lambda r: nnx.Dropout(0.1, rngs=r), STEPS),
    Row(
        "Dropout, evaluation",
        lambda: nn.Dropout(0.1),
        lambda r: nnx.Dropout(0.1, deterministic=True, rngs=r),
        STEPS,
        training=False,
    ),
    Row(
        "Embed",
        lambda: nn.Embed(1000, 128),
        lambda r: nnx.Embed(1000, 128, rngs=r),
        STEPS[:2],
        ids=True,
    ),
    Row(
        "MaxPool",
        lambda: nn.MaxPool((2, 2)),
        lambda r: nnx.Sequential(lambda x: nnx.max_pool(x, (2, 2), (2, 2))),
        IMAGE,
    ),
    Row(
        "AvgPool",
        lambda: nn.AvgPool((3, 3), strides=2, padding="SAME"),
        lambda r: nnx.Sequential(lambda x: nnx.avg_pool(x, (3, 3), (2, 2), "SAME", False)),
        IMAGE,
    ),
    Row(
        "LSTM",
        lambda: nn.RNN(nn.LSTMCell(64), unroll=8),
        lambda r: nnx.RNN(nnx.OptimizedLSTMCell(128, 64, rngs=r), unroll=8, rngs=r),
        (16, 8, 128),
    ),
    Row(
        "Attention",
        lambda: nn.MultiHeadAttention(4),
        lambda r: nnx.MultiHeadAttention(4, 128, decode=False, rngs=r),
        STEPS,
    ),
    Row(
        "Sequential",
        lambda: nn.Sequential(nn.Linear(256), jax.nn.relu, nn.Linear(64)),
        lambda r: nnx.Sequential(
            nnx.Linear(256, 256, rngs=r), jax.nn.relu, nnx.Linear(256, 64, rngs=r)
        ),
        FEATURES,
    ),
)
