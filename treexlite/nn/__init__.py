"""Layers: modules that transform arrays, with their parameters and state.

What flows in and out: arrays, channels last, the batch first. What may mutate: a layer's own State
fields, in training mode, and nothing else (`BatchNorm` its running statistics, `Dropout` its key).
Sizes of inputs are learned at `init`, so a model is written down by its outputs. Parameters are
called `kernel`, `bias`, `scale` and `embedding` everywhere.

Each file holds one family and reads top-down: what the layer does, its fields, `__init__`, and the
maths in `__call__`. `_linear` is the one to read first.
"""

from typing import TYPE_CHECKING

from jax.nn import (
    celu,
    elu,
    gelu,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    logsumexp,
    mish,
    one_hot,
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
    standardize,
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
from treexlite.nn._adaptive_pool import AdaptiveAvgPool, AdaptiveMaxPool
from treexlite.nn._alpha_dropout import AlphaDropout
from treexlite.nn._attention import MultiHeadAttention
from treexlite.nn._avg_pool import AvgPool, AvgPool1D, AvgPool2D, AvgPool3D
from treexlite.nn._batch_norm import BatchNorm
from treexlite.nn._bidirectional import Bidirectional
from treexlite.nn._bilinear import Bilinear
from treexlite.nn._cache import clear_cache, start_cache
from treexlite.nn._concatenate import Concatenate, Stack
from treexlite.nn._conv import Conv, Conv1D, Conv2D, Conv3D
from treexlite.nn._conv_lstm_cell import ConvLSTMCell
from treexlite.nn._conv_transpose import (
    ConvTranspose,
    ConvTranspose1D,
    ConvTranspose2D,
    ConvTranspose3D,
)
from treexlite.nn._depthwise import DepthwiseConv, SeparableConv
from treexlite.nn._dot import Dot
from treexlite.nn._dropout import Dropout, SpatialDropout
from treexlite.nn._einmix import EinMix
from treexlite.nn._einops import Rearrange, Reduce
from treexlite.nn._einsum import Einsum
from treexlite.nn._embedding import Embed
from treexlite.nn._embedding_bag import EmbeddingBag
from treexlite.nn._feed_forward import FeedForward
from treexlite.nn._gated_activations import geglu, glu, swiglu
from treexlite.nn._gated_feed_forward import GEGLU, GatedFeedForward, SwiGLU
from treexlite.nn._gaussian import GaussianDropout, GaussianNoise
from treexlite.nn._global_pool import GlobalAvgPool, GlobalMaxPool
from treexlite.nn._group_norm import GroupNorm, InstanceNorm
from treexlite.nn._gru_cell import GRUCell
from treexlite.nn._initializers import get_initializer
from treexlite.nn._lambda import Identity, Lambda
from treexlite.nn._linear import Linear
from treexlite.nn._linear_general import LinearGeneral
from treexlite.nn._local_response_norm import LocalResponseNorm
from treexlite.nn._lora import LoRA, LoRAParameter
from treexlite.nn._lora_linear import LoRALinear, add_lora, merge_lora
from treexlite.nn._lp_pool import LPPool, LPPool1D, LPPool2D, LPPool3D
from treexlite.nn._lstm_cell import LSTMCell
from treexlite.nn._mapped import Mapped
from treexlite.nn._max_pool import MaxPool, MinPool
from treexlite.nn._max_pool_ranks import (
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MinPool1D,
    MinPool2D,
    MinPool3D,
)
from treexlite.nn._merge import Add, Average, Maximum, Minimum, Multiply, Subtract
from treexlite.nn._mgu_cell import MGUCell
from treexlite.nn._mlp import MLP
from treexlite.nn._moe import MoE
from treexlite.nn._norm import LayerNorm
from treexlite.nn._pad import Crop, Pad, ZeroPad
from treexlite.nn._parallel import Parallel
from treexlite.nn._permute import ExpandDims, Permute, Squeeze
from treexlite.nn._pixel_shuffle import PixelShuffle, PixelUnshuffle
from treexlite.nn._policy import Policy, policy
from treexlite.nn._position_bias import ALiBi, RelativePositionBias
from treexlite.nn._positions import LearnedPositions, SinusoidalPositions
from treexlite.nn._quantized import QuantizedLinear, quantize
from treexlite.nn._recurrent_stack import GRU, LSTM
from treexlite.nn._repeated import Repeated
from treexlite.nn._reshape import Flatten, Reshape
from treexlite.nn._residual import Residual
from treexlite.nn._resize import Resize, Upsample
from treexlite.nn._rms_norm import RMSNorm
from treexlite.nn._rnn import RNN
from treexlite.nn._rotary import RotaryEmbedding
from treexlite.nn._scale import Bias, Scale
from treexlite.nn._sequential import Sequential
from treexlite.nn._simple_cell import SimpleCell
from treexlite.nn._spectral_norm import SpectralNorm
from treexlite.nn._stochastic_depth import DropPath, StochasticDepth
from treexlite.nn._time_distributed import TimeDistributed
from treexlite.nn._transformer import Transformer
from treexlite.nn._transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer
from treexlite.nn._transformer_stacks import TransformerDecoder, TransformerEncoder
from treexlite.nn._unit_norm import UnitNorm
from treexlite.nn._unpool import MaxUnpool
from treexlite.nn._weight_norm import WeightNorm

if not TYPE_CHECKING:  # to a type checker an unknown name stays unknown
    from treexlite.nn._elsewhere import __getattr__ as __getattr__

__all__ = [
    "ALiBi",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "Add",
    "AlphaDropout",
    "Average",
    "AvgPool",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNorm",
    "Bias",
    "Bidirectional",
    "Bilinear",
    "Concatenate",
    "Conv",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "ConvLSTMCell",
    "ConvTranspose",
    "ConvTranspose1D",
    "ConvTranspose2D",
    "ConvTranspose3D",
    "Crop",
    "DepthwiseConv",
    "Dot",
    "DropPath",
    "Dropout",
    "EinMix",
    "Einsum",
    "Embed",
    "EmbeddingBag",
    "ExpandDims",
    "FeedForward",
    "Flatten",
    "GEGLU",
    "GRU",
    "GRUCell",
    "GatedFeedForward",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "Identity",
    "InstanceNorm",
    "LPPool",
    "LPPool1D",
    "LPPool2D",
    "LPPool3D",
    "LSTM",
    "LSTMCell",
    "Lambda",
    "LayerNorm",
    "LearnedPositions",
    "Linear",
    "LinearGeneral",
    "LoRA",
    "LoRALinear",
    "LoRAParameter",
    "LocalResponseNorm",
    "MGUCell",
    "MLP",
    "Mapped",
    "MaxPool",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxUnpool",
    "Maximum",
    "MinPool",
    "MinPool1D",
    "MinPool2D",
    "MinPool3D",
    "Minimum",
    "MoE",
    "MultiHeadAttention",
    "Multiply",
    "PReLU",
    "Pad",
    "Parallel",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "Policy",
    "QuantizedLinear",
    "RMSNorm",
    "RNN",
    "Rearrange",
    "Reduce",
    "RelativePositionBias",
    "Repeated",
    "Reshape",
    "Residual",
    "Resize",
    "RotaryEmbedding",
    "SReLU",
    "Scale",
    "SeparableConv",
    "Sequential",
    "SimpleCell",
    "SinusoidalPositions",
    "SpatialDropout",
    "SpectralNorm",
    "Squeeze",
    "Stack",
    "StochasticDepth",
    "Subtract",
    "SwiGLU",
    "Swish",
    "TimeDistributed",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "UnitNorm",
    "Upsample",
    "WeightNorm",
    "ZeroPad",
    "add_lora",
    "celu",
    "clear_cache",
    "elu",
    "geglu",
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
    "logsumexp",
    "maxout",
    "merge_lora",
    "mish",
    "one_hot",
    "policy",
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
    "standardize",
    "start_cache",
    "swiglu",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
