"""One row for each layer; every law of this folder runs over all rows.

A new layer adds a row to its family's file in `rows/` and has all laws tested. What a law does not
hold for is said in the row, with the reason beside it.

That compiled calls do what eager ones do, and that initialising follows from the seed, is tested
for all rows. The other laws are dear to compile: `make test` tests them for a sample of rows, with
every kind of data, structure and output; `make laws`, a part of CI, for all.
"""

from tests.budget import ALL_LAWS
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
    "SAMPLE",
    "SAMPLED",
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

SAMPLE = {
    "Linear",
    "LoRALinear",
    "QuantizedLinear",
    "Conv over sequences",
    "BatchNorm",
    "SpectralNorm",
    "Dropout",
    "Embed",
    "EmbeddingBag of max",
    "LearnedPositions",
    "MaxPool with indices",
    "PReLU",
    "ConvLSTMCell",
    "RNN of a cell with state",
    "Bidirectional",
    "MultiHeadAttention with everything",
    "MoE with a capacity",
    "TransformerEncoder",
    "Sequential with names",
    "Parallel",
    "Mapped",
    "Repeated",
}

SAMPLED = [row for row in LAYERS if row.name in SAMPLE or ALL_LAWS]
