"""What layers are called in other frameworks, for who asks `tx.nn` for one by that name.

In: a name that `tx.nn` does not have. Out: an `AttributeError` with our name for it, if there is
one. Nothing is mutated, and no name is an alias: each layer has one name.
"""

from __future__ import annotations

import sys

OURS = {
    "AveragePooling1D": "AvgPool1D",
    "AveragePooling2D": "AvgPool2D",
    "AveragePooling3D": "AvgPool3D",
    "BatchNorm1d": "BatchNorm",
    "BatchNorm2d": "BatchNorm",
    "BatchNorm3d": "BatchNorm",
    "BatchNormalization": "BatchNorm",
    "Conv1DTranspose": "ConvTranspose1D",
    "Conv1d": "Conv1D",
    "Conv2DTranspose": "ConvTranspose2D",
    "Conv2d": "Conv2D",
    "Conv3DTranspose": "ConvTranspose3D",
    "Conv3d": "Conv3D",
    "ConvTranspose1d": "ConvTranspose1D",
    "ConvTranspose2d": "ConvTranspose2D",
    "ConvTranspose3d": "ConvTranspose3D",
    "Dense": "Linear",
    "DenseGeneral": "LinearGeneral",
    "DepthwiseConv1D": "DepthwiseConv",
    "DepthwiseConv2D": "DepthwiseConv",
    "Dropout1d": "SpatialDropout",
    "Dropout2d": "SpatialDropout",
    "Dropout3d": "SpatialDropout",
    "EinsumDense": "Einsum",
    "Embedding": "Embed",
    "GELU": "gelu_exact",
    "GlobalAveragePooling1D": "GlobalAvgPool",
    "GlobalAveragePooling2D": "GlobalAvgPool",
    "GlobalAveragePooling3D": "GlobalAvgPool",
    "GlobalMaxPooling1D": "GlobalMaxPool",
    "GlobalMaxPooling2D": "GlobalMaxPool",
    "GlobalMaxPooling3D": "GlobalMaxPool",
    "GroupNormalization": "GroupNorm",
    "InstanceNorm1d": "InstanceNorm",
    "InstanceNorm2d": "InstanceNorm",
    "InstanceNorm3d": "InstanceNorm",
    "LayerNormalization": "LayerNorm",
    "LeakyReLU": "leaky_relu",
    "MaxPool1d": "MaxPool1D",
    "MaxPool2d": "MaxPool2D",
    "MaxPool3d": "MaxPool3D",
    "MaxPooling1D": "MaxPool1D",
    "MaxPooling2D": "MaxPool2D",
    "MaxPooling3D": "MaxPool3D",
    "MultiheadAttention": "MultiHeadAttention",
    "RMSNormalization": "RMSNorm",
    "ReLU": "relu",
    "SeparableConv1D": "SeparableConv",
    "SeparableConv2D": "SeparableConv",
    "SiLU": "silu",
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "SpatialDropout1D": "SpatialDropout",
    "SpatialDropout2D": "SpatialDropout",
    "SpatialDropout3D": "SpatialDropout",
    "SpectralNormalization": "SpectralNorm",
    "Tanh": "tanh",
    "UnitNormalization": "UnitNorm",
    "UpSampling1D": "Upsample",
    "UpSampling2D": "Upsample",
    "UpSampling3D": "Upsample",
    "ZeroPadding1D": "ZeroPad",
    "ZeroPadding2D": "ZeroPad",
    "ZeroPadding3D": "ZeroPad",
}


def __getattr__(name: str) -> object:  # the room is asked through it
    """Say that there is no such layer, and what it is called here.

    Raises:
        AttributeError: always.
    """
    text = f"module 'treexlite.nn' has no attribute {name!r}"
    if name in OURS:
        text += f". What other frameworks call `{name}` is `tx.nn.{OURS[name]}`."
    # From the module Python suggests what was meant, if the name is a misprint.
    raise AttributeError(text, name=name, obj=sys.modules["treexlite.nn"])
