"""Layers that draw random numbers."""

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, Layer
from treexlite import nn

ROWS = [
    Layer("Dropout", lambda: nn.Dropout(0.5), FEATURES, {"key": tx.Rng}),
    Layer(
        "Dropout of channels",
        lambda: nn.Dropout(0.5, broadcast_axes=(-3, -2)),
        IMAGES,
        {"key": tx.Rng},
    ),
]
