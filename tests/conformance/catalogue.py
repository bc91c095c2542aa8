"""One row for each layer; every law of this folder runs over all rows.

A new layer adds a row to its family's file in `rows/` and has all laws tested. What a law does not
hold for is said in the row, with the reason beside it.
"""

from tests.conformance.rows import (
    activations,
    attention,
    containers,
    conv,
    embedding,
    linear,
    norm,
    pooling,
    recurrent,
    shapes,
    stochastic,
    transformer,
)
from tests.conformance.rows.layer import (
    FEATURES,
    IDS,
    IMAGES,
    SEQUENCES,
    WEIGHTS,
    Layer,
    Staged,
    ids,
    sum_of,
)

__all__ = [
    "FEATURES",
    "IDS",
    "IMAGES",
    "LAYERS",
    "SEQUENCES",
    "WEIGHTS",
    "Layer",
    "Staged",
    "ids",
    "sum_of",
]

LAYERS = [
    *linear.ROWS,
    *conv.ROWS,
    *norm.ROWS,
    *stochastic.ROWS,
    *embedding.ROWS,
    *pooling.ROWS,
    *shapes.ROWS,
    *activations.ROWS,
    *recurrent.ROWS,
    *attention.ROWS,
    *transformer.ROWS,
    *containers.ROWS,
]
