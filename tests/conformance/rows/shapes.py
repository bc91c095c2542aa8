"""Layers that only move, cut or resize."""

from tests.conformance.rows.layer import IMAGES, Layer
from treexlite import nn

ROWS = [
    # By example, Flatten takes the first axis of the image for the batch.
    Layer("Flatten", lambda: nn.Flatten(), IMAGES, by_example=False, random=False),
]
