"""Layers that only move, cut or resize."""

from tests.conformance.rows.layer import IMAGES, Layer
from treexlite import nn

ROWS = [
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
