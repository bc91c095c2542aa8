"""Layers: modules that transform arrays, with their parameters and state.

What flows in and out: arrays, channels last, the batch first. What may mutate: a layer's own State
fields, in training mode, and nothing else (`BatchNorm` its running statistics, `Dropout` its key).
Sizes of inputs are learned at `init`, so a model is written down by its outputs. Parameters are
called `kernel`, `bias`, `scale` and `embedding` everywhere.

Each file holds one family and reads top-down: what the layer does, its fields, `__init__`, and the
maths in `__call__`. `_linear` is the one to read first.
"""

from treexlite.nn._activations import get_activation
from treexlite.nn._attention import MultiHeadAttention
from treexlite.nn._batch_norm import BatchNorm
from treexlite.nn._cache import clear_cache, start_cache
from treexlite.nn._containers import Lambda, Sequential
from treexlite.nn._conv import Conv
from treexlite.nn._dropout import Dropout
from treexlite.nn._embedding import Embed
from treexlite.nn._embedding_bag import EmbeddingBag
from treexlite.nn._feed_forward import FeedForward
from treexlite.nn._gated_activations import geglu, glu, swiglu
from treexlite.nn._gated_feed_forward import GEGLU, GatedFeedForward, SwiGLU
from treexlite.nn._initializers import get_initializer
from treexlite.nn._linear import Linear
from treexlite.nn._mlp import MLP
from treexlite.nn._moe import MoE
from treexlite.nn._norm import LayerNorm
from treexlite.nn._pool import AvgPool, MaxPool
from treexlite.nn._position_bias import ALiBi, RelativePositionBias
from treexlite.nn._positions import LearnedPositions, SinusoidalPositions
from treexlite.nn._repeated import Repeated
from treexlite.nn._reshape import Flatten
from treexlite.nn._rotary import RotaryEmbedding
from treexlite.nn._transformer import Transformer
from treexlite.nn._transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer
from treexlite.nn._transformer_stacks import TransformerDecoder, TransformerEncoder

__all__ = [
    "GEGLU",
    "MLP",
    "ALiBi",
    "AvgPool",
    "BatchNorm",
    "Conv",
    "Dropout",
    "Embed",
    "EmbeddingBag",
    "FeedForward",
    "Flatten",
    "GatedFeedForward",
    "Lambda",
    "LayerNorm",
    "LearnedPositions",
    "Linear",
    "MaxPool",
    "MoE",
    "MultiHeadAttention",
    "RelativePositionBias",
    "Repeated",
    "RotaryEmbedding",
    "Sequential",
    "SinusoidalPositions",
    "SwiGLU",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "clear_cache",
    "geglu",
    "get_activation",
    "get_initializer",
    "glu",
    "start_cache",
    "swiglu",
]
