"""Tables and positions."""

import treexlite as tx
from tests.conformance.rows.layer import IDS, Layer
from treexlite import nn

ROWS = [
    Layer(
        "Embed", lambda **d: nn.Embed(7, 4, **d), IDS, {"embedding": tx.Parameter}, has_dtype=True
    ),
]
