"""Pooling and unpooling."""

import jax

from tests.conformance.rows.conv import VOLUMES
from tests.conformance.rows.layer import IMAGES, SEQUENCES, Layer, Staged
from treexlite import nn


def unpool(layer: nn.MaxUnpool, x: jax.Array) -> jax.Array:
    """Pool, and undo it."""
    y, indices = nn.MaxPool(layer.window, return_indices=True)(x)
    return layer(y, indices, output_size=x.shape[-3:-1])


ROWS = [
    Layer("MaxPool", lambda: nn.MaxPool((2, 2)), IMAGES, random=False),
    Layer("MaxPool dilated", lambda: nn.MaxPool((2, 2), dilation=2), IMAGES, random=False),
    Layer(
        "MaxPool with indices",
        lambda: Staged(
            nn.MaxPool((3, 2), strides=1, padding="SAME", return_indices=True),
            lambda layer, x: layer(x)[0],
        ),
        IMAGES,
        random=False,
    ),
    Layer("MaxPool1D", lambda: nn.MaxPool1D(2), SEQUENCES, random=False),
    Layer("MaxPool2D", lambda: nn.MaxPool2D(2), IMAGES, random=False),
    Layer("MaxPool3D", lambda: nn.MaxPool3D(2), VOLUMES, random=False),
    Layer("MinPool", lambda: nn.MinPool((2, 3), padding="SAME"), IMAGES, random=False),
    Layer("MinPool1D", lambda: nn.MinPool1D(2), SEQUENCES, random=False),
    Layer("MinPool2D", lambda: nn.MinPool2D(2), IMAGES, random=False),
    Layer("MinPool3D", lambda: nn.MinPool3D(2), VOLUMES, random=False),
    Layer("AvgPool", lambda: nn.AvgPool((3, 2), strides=2, padding="SAME"), IMAGES, random=False),
    Layer("AvgPool1D", lambda: nn.AvgPool1D(2), SEQUENCES, random=False),
    Layer("AvgPool2D", lambda: nn.AvgPool2D(2), IMAGES, random=False),
    Layer("AvgPool3D", lambda: nn.AvgPool3D(2), VOLUMES, random=False),
    Layer("LPPool", lambda: nn.LPPool(2, (2, 2)), IMAGES, random=False),
    Layer("LPPool1D", lambda: nn.LPPool1D(2.5, 2), SEQUENCES, random=False),
    Layer("LPPool2D", lambda: nn.LPPool2D(3, 2), IMAGES, random=False),
    Layer("LPPool3D", lambda: nn.LPPool3D(2, 2), VOLUMES, random=False),
    Layer("GlobalMaxPool", lambda: nn.GlobalMaxPool(num_axes=2), IMAGES, random=False),
    Layer("GlobalAvgPool", lambda: nn.GlobalAvgPool(num_axes=2), IMAGES, random=False),
    Layer("AdaptiveMaxPool", lambda: nn.AdaptiveMaxPool((4, 3)), IMAGES, random=False),
    Layer("AdaptiveAvgPool", lambda: nn.AdaptiveAvgPool((4, None)), IMAGES, random=False),
    Layer("MaxUnpool", lambda: Staged(nn.MaxUnpool((2, 2)), unpool), IMAGES, random=False),
]
