"""Normalisations."""

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, Layer
from treexlite import nn

ROWS = [
    Layer(
        "BatchNorm",
        lambda **d: nn.BatchNorm(momentum=0.9, **d),
        IMAGES,
        {
            "scale": tx.Parameter,
            "bias": tx.Parameter,
            "mean": tx.BatchStat,
            "var": tx.BatchStat,
        },
        has_dtype=True,
        random=False,
    ),
    Layer(
        "LayerNorm",
        lambda **d: nn.LayerNorm(**d),
        FEATURES,
        {"scale": tx.Parameter, "bias": tx.Parameter},
        has_dtype=True,
        random=False,
    ),
]
