"""Tables and positions."""

import treexlite as tx
from tests.conformance.rows.layer import IDS, SEQUENCES, Layer
from treexlite import nn

ROWS = [
    Layer(
        "Embed", lambda **d: nn.Embed(7, 4, **d), IDS, {"embedding": tx.Parameter}, has_dtype=True
    ),
    Layer(
        "Embed with padding",
        lambda **d: nn.Embed(7, 4, padding_id=3, **d),
        IDS,
        {"embedding": tx.Parameter},
        has_dtype=True,
    ),
    *[
        Layer(
            f"EmbeddingBag of {mode}",
            lambda mode=mode, **d: nn.EmbeddingBag(7, 4, mode=mode, padding_id=0, **d),
            IDS,
            {"embedding": tx.Parameter},
            has_dtype=True,
        )
        for mode in ("sum", "mean", "max")
    ],
    Layer("SinusoidalPositions", lambda: nn.SinusoidalPositions(), SEQUENCES, random=False),
    Layer(
        "LearnedPositions",
        lambda **d: nn.LearnedPositions(12, **d),
        SEQUENCES,
        {"embedding": tx.Parameter},
        has_dtype=True,
    ),
]
