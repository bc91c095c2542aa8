"""Linear maps, low-rank and quantised ones, stacks of them."""

import treexlite as tx
from tests.conformance.rows.layer import FEATURES, IMAGES, WEIGHTS, Layer
from treexlite import nn

ROWS = [
    Layer("Linear", lambda **d: nn.Linear(3, **d), FEATURES, WEIGHTS, has_dtype=True),
    Layer(
        "Linear without bias",
        lambda **d: nn.Linear(3, use_bias=False, **d),
        IMAGES,
        {"kernel": tx.Parameter},
        has_dtype=True,
    ),
    Layer(
        "MLP",
        lambda **d: nn.MLP([4, 3], activation="tanh", **d),
        FEATURES,
        {f"layers/{n}/{name}": kind for n in (0, 1) for name, kind in WEIGHTS.items()},
        has_dtype=True,
    ),
]
