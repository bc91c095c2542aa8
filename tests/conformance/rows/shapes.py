"""Layers that only move, cut or resize."""

from typing import Any

import jax

from tests.conformance.rows.layer import FEATURES, IMAGES, Layer, Staged
from treexlite import nn


def unit_last(layer: Any, x: jax.Array) -> jax.Array:
    """Call a layer with an axis of size 1 behind the others."""
    return layer(x[..., None])


ROWS = [
    Layer("Rearrange", lambda: nn.Rearrange("... h w c -> ... w (h c)"), IMAGES, random=False),
    Layer("Reduce", lambda: nn.Reduce("... h w c -> ... c", "mean"), IMAGES, random=False),
    # By example, Reshape takes the first axis of the image for the batch.
    Layer("Reshape", lambda: nn.Reshape((-1, 10)), IMAGES, by_example=False, random=False),
    Layer("Permute", lambda: nn.Permute((-2, -1, -3)), IMAGES, random=False),
    Layer("ExpandDims", lambda: nn.ExpandDims(-1), FEATURES, random=False),
    Layer("Squeeze", lambda: Staged(nn.Squeeze(-1), unit_last), FEATURES, random=False),
    # By example, Flatten takes the first axis of the image for the batch.
    Layer("Flatten", lambda: nn.Flatten(), IMAGES, by_example=False, random=False),
    Layer("Resize", lambda: nn.Resize((4, 7)), IMAGES, random=False),
    Layer("Upsample", lambda: nn.Upsample((2, 3)), IMAGES, random=False),
    Layer("Upsample linear", lambda: nn.Upsample((1.5, 2), method="linear"), IMAGES, random=False),
    Layer("PixelShuffle", lambda: nn.PixelShuffle(2), IMAGES, random=False),
    Layer("PixelUnshuffle", lambda: nn.PixelUnshuffle((3, 1)), IMAGES, random=False),
    Layer("Pad", lambda: nn.Pad(((1, 2), 3), "reflect"), IMAGES, random=False),
    Layer("ZeroPad", lambda: nn.ZeroPad((1, 2)), IMAGES, random=False),
    Layer("Crop", lambda: nn.Crop((1, (0, 2))), IMAGES, random=False),
]
