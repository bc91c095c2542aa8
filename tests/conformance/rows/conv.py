"""Convolutions."""

from tests.conformance.rows.layer import IMAGES, SEQUENCES, WEIGHTS, Layer
from treexlite import nn

ROWS = [
    Layer("Conv", lambda **d: nn.Conv(4, (3, 3), **d), IMAGES, WEIGHTS, has_dtype=True),
    Layer(
        "Conv over sequences",
        lambda **d: nn.Conv(4, 3, strides=2, padding="CAUSAL", dilation=2, groups=2, **d),
        SEQUENCES,
        WEIGHTS,
        has_dtype=True,
    ),
]
