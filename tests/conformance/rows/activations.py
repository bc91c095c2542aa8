"""Activations with parameters."""

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, Layer
from treexlite import nn

ROWS = [
    Layer(
        "PReLU",
        lambda **d: nn.PReLU(**d),
        FEATURES,
        {"slope": tx.Parameter},
        has_dtype=True,
        random=False,
    ),
    Layer(
        "PReLU of channels",
        lambda **d: nn.PReLU(per_channel=True, slope_init="normal", **d),
        IMAGES,
        {"slope": tx.Parameter},
        has_dtype=True,
    ),
    Layer(
        "Swish",
        lambda **d: nn.Swish(per_channel=True, beta_init="normal", **d),
        FEATURES,
        {"beta": tx.Parameter},
        has_dtype=True,
    ),
    Layer(
        "SReLU",  # with slopes unlike 1, so that every parameter makes a difference
        lambda **d: nn.SReLU(
            left_slope_init="normal", right_init="uniform", right_slope_init="normal", **d
        ),
        IMAGES,
        dict.fromkeys(("left", "left_slope", "right", "right_slope"), tx.Parameter),
        has_dtype=True,
    ),
]
