"""Layers that draw random numbers."""

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, Layer
from treexlite import nn

KEY = {"key": tx.Rng}

ROWS = [
    Layer("Dropout", lambda: nn.Dropout(0.5), FEATURES, KEY),
    Layer("Dropout of channels", lambda: nn.Dropout(0.5, broadcast_axes=(-3, -2)), IMAGES, KEY),
    Layer("SpatialDropout", lambda: nn.SpatialDropout(0.5, spatial_axes=(-3, -2)), IMAGES, KEY),
    Layer("AlphaDropout", lambda: nn.AlphaDropout(0.5), FEATURES, KEY),
    Layer("GaussianDropout", lambda: nn.GaussianDropout(0.5), FEATURES, KEY),
    Layer("GaussianNoise", lambda: nn.GaussianNoise(0.5), FEATURES, KEY),
    Layer("StochasticDepth", lambda: nn.StochasticDepth(0.5), FEATURES, KEY),
    Layer(
        "StochasticDepth of the batch",
        lambda: nn.StochasticDepth(0.2, mode="batch"),
        FEATURES,
        KEY,
    ),
]
