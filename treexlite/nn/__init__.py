"""Layers: modules that transform arrays, with their parameters and state.

What flows in and out: arrays, channels last, the batch first. What may mutate: a layer's own State
fields, in training mode, and nothing else (`BatchNorm` its running statistics, `Dropout` its key).
Sizes of inputs are learned at `init`, so a model is written down by its outputs. Parameters are
called `kernel`, `bias`, `scale` and `embedding` everywhere.

Each file holds one family and reads top-down: what the layer does, its fields, `__init__`, and the
maths in `__call__`. `_linear` is the one to read first.
"""

from treexlite.nn._activations import get_activation
from treexlite.nn._batch_norm import BatchNorm
from treexlite.nn._concatenate import Concatenate, Stack
from treexlite.nn._conv import Conv
from treexlite.nn._dot import Dot
from treexlite.nn._dropout import Dropout
from treexlite.nn._einmix import EinMix
from treexlite.nn._einops import Rearrange, Reduce
from treexlite.nn._embedding import Embed
from treexlite.nn._initializers import get_initializer
from treexlite.nn._lambda import Identity, Lambda
from treexlite.nn._linear import Linear
from treexlite.nn._mapped import Mapped
from treexlite.nn._merge import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from treexlite.nn._mlp import MLP
from treexlite.nn._norm import LayerNorm
from treexlite.nn._parallel import Parallel
from treexlite.nn._permute import ExpandDims, Permute, Squeeze
from treexlite.nn._pool import AvgPool, MaxPool
from treexlite.nn._repeated import Repeated
from treexlite.nn._reshape import Flatten, Reshape
from treexlite.nn._residual import Residual
from treexlite.nn._sequential import Sequential
from treexlite.nn._time_distributed import TimeDistributed

__all__ = [
    "MLP",
    "Add",
    "Average",
    "AvgPool",
    "BatchNorm",
    "Concatenate",
    "Conv",
    "Dot",
    "Dropout",
    "EinMix",
    "Embed",
    "ExpandDims",
    "Flatten",
    "Identity",
    "Lambda",
    "LayerNorm",
    "Linear",
    "Mapped",
    "MaxPool",
    "Maximum",
    "Minimum",
    "Multiply",
    "Parallel",
    "Permute",
    "Rearrange",
    "Reduce",
    "Repeated",
    "Reshape",
    "Residual",
    "Sequential",
    "Squeeze",
    "Stack",
    "Subtract",
    "TimeDistributed",
    "get_activation",
    "get_initializer",
]
