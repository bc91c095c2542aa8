"""Layers: modules that transform arrays, with their parameters and state.

What flows in and out: arrays, channels last, the batch first. What may mutate: a layer's own State
fields, in training mode, and nothing else (`BatchNorm` its running statistics, `Dropout` its key).
Sizes of inputs are learned at `init`, so a model is written down by its outputs. Parameters are
called `kernel`, `bias`, `scale` and `embedding` everywhere.

Each file holds one family and reads top-down: what the layer does, its fields, `__init__`, and the
maths in `__call__`. `_linear` is the one to read first.
"""

from jax.nn import (
    celu,
    elu,
    gelu,
    glu,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_sign,
    softmax,
    softplus,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    swish,
    tanh,
)

from treexlite.nn import initializers
from treexlite.nn._activation_functions import (
    gelu_exact,
    hard_shrink,
    maxout,
    quick_gelu,
    relu_squared,
    soft_shrink,
    softmin,
    sparsemax,
    tanh_shrink,
    threshold,
)
from treexlite.nn._activation_layers import PReLU, SReLU, Swish
from treexlite.nn._activations import get_activation
from treexlite.nn._batch_norm import BatchNorm
from treexlite.nn._bilinear import Bilinear
from treexlite.nn._containers import Lambda, Sequential
from treexlite.nn._conv import Conv
from treexlite.nn._dropout import Dropout
from treexlite.nn._einsum import Einsum
from treexlite.nn._embedding import Embed
from treexlite.nn._initializers import get_initializer
from treexlite.nn._linear import Linear
from treexlite.nn._linear_general import LinearGeneral
from treexlite.nn._lora import LoRA, LoRAParameter
from treexlite.nn._lora_linear import LoRALinear, add_lora, merge_lora
from treexlite.nn._mlp import MLP
from treexlite.nn._norm import LayerNorm
from treexlite.nn._pool import AvgPool, MaxPool
from treexlite.nn._quantized import QuantizedLinear, quantize
from treexlite.nn._repeated import Repeated
from treexlite.nn._reshape import Flatten
from treexlite.nn._scale import Bias, Scale

__all__ = [
    "AvgPool",
    "BatchNorm",
    "Bias",
    "Bilinear",
    "Conv",
    "Dropout",
    "Einsum",
    "Embed",
    "Flatten",
    "Lambda",
    "LayerNorm",
    "Linear",
    "LinearGeneral",
    "LoRA",
    "LoRALinear",
    "LoRAParameter",
    "MLP",
    "MaxPool",
    "PReLU",
    "QuantizedLinear",
    "Repeated",
    "SReLU",
    "Scale",
    "Sequential",
    "Swish",
    "add_lora",
    "celu",
    "elu",
    "gelu",
    "gelu_exact",
    "get_activation",
    "get_initializer",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "initializers",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "maxout",
    "merge_lora",
    "mish",
    "quantize",
    "quick_gelu",
    "relu",
    "relu6",
    "relu_squared",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "soft_sign",
    "softmax",
    "softmin",
    "softplus",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
