"""One row for each layer; every law of this folder runs over all rows.

A new layer adds a row to its family's file in `rows/` and has all laws tested. What a law does not
hold for is said in the row, with the reason beside it.

That compiled calls do what eager ones do, and that initialising follows from the seed, is tested
for all rows. The other laws are dear to compile: `make test` tests them for a sample of rows, with
every kind of data, structure and output, of which each law takes a part; `make laws`, a part of CI,
tests all laws for all rows.
"""

from pathlib import Path

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
    "FAMILIES",
    "IDS",
    "IMAGES",
    "LAWS",
    "LAYERS",
    "SAMPLE",
    "SEQUENCES",
    "WEIGHTS",
    "Layer",
    "Staged",
    "ids",
    "sampled",
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

# One row for each family of data (parameters, statistics, keys): what every law is tried for.
FAMILIES = [row for row in LAYERS if row.name in ("Linear", "BatchNorm", "Dropout")]

# In turns, every third law each.
LIGHT = [
    "LoRALinear",
    "QuantizedLinear",
    "Conv over sequences",
    "Embed",
    "EmbeddingBag of max",
    "LearnedPositions",
    "MaxPool with indices",
    "PReLU",
    "Bidirectional",
    "Sequential with names",
    "Parallel",
    "Mapped",
    "Repeated",
]
# In turns, every sixth law each: they take seconds to compile.
DEAR = [
    "SpectralNorm",
    "ConvLSTMCell",
    "RNN of a cell with state",
    "MultiHeadAttention with everything",
    "MoE with a capacity",
    "TransformerEncoder",
]
SAMPLE = {*(row.name for row in FAMILIES), *LIGHT, *DEAR}

LAWS = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))


def sampled(law: str) -> list[Layer]:
    """Return the rows that the law of a file is tried for, given the file's `__name__`."""
    if ALL_LAWS:
        return LAYERS
    turn = LAWS.index(law.rpartition(".")[2])
    chosen = {row.name for row in FAMILIES}
    chosen |= {*LIGHT[turn % 3 :: 3], *DEAR[turn % 6 :: 6]}
    return [row for row in LAYERS if row.name in chosen]
