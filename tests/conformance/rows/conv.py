"""Convolutions."""

import jax

from tests.conformance.rows.layer import IMAGES, SEQUENCES, WEIGHTS, Layer
from treexlite import nn

VOLUMES = jax.random.normal(jax.random.key(4), (3, 3, 4, 3, 2))

ROWS = [
    Layer("Conv", lambda **d: nn.Conv(4, (3, 3), **d), IMAGES, WEIGHTS, has_dtype=True),
    Layer(
        "Conv over sequences",
        lambda **d: nn.Conv(4, 3, strides=2, padding="CAUSAL", dilation=2, groups=2, **d),
        SEQUENCES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer("Conv1D", lambda **d: nn.Conv1D(4, 3, **d), SEQUENCES, WEIGHTS, has_dtype=True),
    Layer(
        "Conv2D",
        lambda **d: nn.Conv2D(4, 3, padding="CIRCULAR", **d),
        IMAGES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer("Conv3D", lambda **d: nn.Conv3D(2, 2, **d), VOLUMES, WEIGHTS, has_dtype=True),
    Layer(
        "ConvTranspose",
        lambda **d: nn.ConvTranspose(2, (3, 2), strides=2, padding="CIRCULAR", groups=2, **d),
        IMAGES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer(
        "ConvTranspose1D",
        lambda **d: nn.ConvTranspose1D(3, 3, strides=2, padding=1, output_padding=1, **d),
        SEQUENCES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer(
        "ConvTranspose2D",
        lambda **d: nn.ConvTranspose2D(2, 3, strides=2, **d),
        IMAGES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer(
        "ConvTranspose3D",
        lambda **d: nn.ConvTranspose3D(2, 2, padding="VALID", **d),
        VOLUMES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer(
        "DepthwiseConv",
        lambda **d: nn.DepthwiseConv((3, 2), channel_multiplier=2, strides=2, **d),
        IMAGES,
        WEIGHTS,
        has_dtype=True,
    ),
    Layer(
        "SeparableConv",
        lambda **d: nn.SeparableConv(3, (3, 3), **d),
        IMAGES,
        {
            "depthwise/kernel": WEIGHTS["kernel"],
            "pointwise/kernel": WEIGHTS["kernel"],
            "pointwise/bias": WEIGHTS["bias"],
        },
        has_dtype=True,
    ),
]
