"""Layers: modules that transform arrays, with their parameters and state.

What flows in and out: arrays, channels last, the batch first. What may mutate: a layer's own State
fields, in training mode, and nothing else (`BatchNorm` its running statistics, `Dropout` its key).
Sizes of inputs are learned at `init`, so a model is written down by its outputs. Parameters are
called `kernel`, `bias`, `scale` and `embedding` everywhere.

Each file holds one family and reads top-down: what the layer does, its fields, `__init__`, and the
maths in `__call__`. `_linear` is the one to read first.
"""

from treexlite.nn._activations import get_activation
from treexlite.nn._alpha_dropout import AlphaDropout
from treexlite.nn._batch_norm import BatchNorm
from treexlite.nn._containers import Lambda, Sequential
from treexlite.nn._conv import Conv
from treexlite.nn._dropout import Dropout, SpatialDropout
from treexlite.nn._embedding import Embed
from treexlite.nn._gaussian import GaussianDropout, GaussianNoise
from treexlite.nn._group_norm import GroupNorm, InstanceNorm
from treexlite.nn._initializers import get_initializer
from treexlite.nn._linear import Linear
from treexlite.nn._local_response_norm import LocalResponseNorm
from treexlite.nn._mlp import MLP
from treexlite.nn._norm import LayerNorm
from treexlite.nn._pool import AvgPool, MaxPool
from treexlite.nn._repeated import Repeated
from treexlite.nn._reshape import Flatten
from treexlite.nn._rms_norm import RMSNorm
from treexlite.nn._spectral_norm import SpectralNorm
from treexlite.nn._stochastic_depth import DropPath, StochasticDepth
from treexlite.nn._unit_norm import UnitNorm
from treexlite.nn._weight_norm import WeightNorm

__all__ = [
    "MLP",
    "AlphaDropout",
    "AvgPool",
    "BatchNorm",
    "Conv",
    "DropPath",
    "Dropout",
    "Embed",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNorm",
    "InstanceNorm",
    "Lambda",
    "LayerNorm",
    "Linear",
    "LocalResponseNorm",
    "MaxPool",
    "RMSNorm",
    "Repeated",
    "Sequential",
    "SpatialDropout",
    "SpectralNorm",
    "StochasticDepth",
    "UnitNorm",
    "WeightNorm",
    "get_activation",
    "get_initializer",
]
