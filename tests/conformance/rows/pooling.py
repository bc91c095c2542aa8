"""Pooling and unpooling."""

from tests.conformance.rows.layer import IMAGES, Layer
from treexlite import nn

ROWS = [
    Layer("MaxPool", lambda: nn.MaxPool((2, 2)), IMAGES, random=False),
    Layer("AvgPool", lambda: nn.AvgPool((3, 2), strides=2, padding="SAME"), IMAGES, random=False),
]
