"""U-Net: an image in, an image out, seen at several scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite import nn
from treexlite._core import Module
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import positive_int


class ConvBlock(Module):
    """Two 3 x 3 convolutions, each with a normalisation and a relu.

    Args:
        features: number of output channels.

    Shapes:
        x: `(batch, height, width, channels)`; y: `(batch, height, width, features)`.

    State:
        That of its BatchNorm layers.
    """

    def __init__(self, features: int) -> None:
        self.conv1 = nn.Conv(features, (3, 3), use_bias=False, kernel_init="he_normal")
        self.norm1 = nn.BatchNorm(momentum=0.9)
        self.conv2 = nn.Conv(features, (3, 3), use_bias=False, kernel_init="he_normal")
        self.norm2 = nn.BatchNorm(momentum=0.9)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.norm1(self.conv1(x)))
        return jax.nn.relu(self.norm2(self.conv2(x)))


class UNet(Module):
    """Answer for every pixel: halve the image step by step, then double it again.

    On the way up each scale also sees what the way down made of it, so that the answer is as sharp
    as the input.

    Args:
        out_channels: number of answers for each pixel, for example one logit for each class.
        features: number of channels at each scale, the full one first.

    Shapes:
        x: `(batch, height, width, channels)`, both sizes divisible by `2 ** (len(features) - 1)`;
            y: `(batch, height, width, out_channels)`.

    State:
        The running statistics of its BatchNorm layers.

    Raises:
        ArgumentError: `features` is no sequence of positive integers.
        ShapeError: height or width cannot be halved often enough.

    Example:
        >>> import jax.numpy as jnp
        >>> from treexlite.models import UNet
        >>> model = UNet(2, features=(4, 8, 16)).init(0, jnp.ones((1, 8, 12, 3)))
        >>> model(jnp.ones((5, 8, 12, 3))).shape
        (5, 8, 12, 2)

    Reference:
        Ronneberger, Fischer and Brox, U-Net (2015), with padded convolutions, so that the output
        has the size of the input, and normalisations.
    """

    def __init__(
        self, out_channels: int, *, features: Sequence[int] = (64, 128, 256, 512, 1024)
    ) -> None:
        *outer, inner = self._sizes(features)
        self.down = [ConvBlock(size) for size in outer]
        self.pool = nn.MaxPool((2, 2))
        self.bottom = ConvBlock(inner)
        self.doubled = [nn.ConvTranspose(size, (2, 2), strides=2) for size in reversed(outer)]
        self.up = [ConvBlock(size) for size in reversed(outer)]
        self.head = nn.Conv(out_channels, (1, 1))

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jnp.asarray(x)
        self._check_size(x)
        seen = []
        for block in self.down:
            seen.append(block(x))
            x = self.pool(seen[-1])
        x = self.bottom(x)
        for double, block, before in zip(self.doubled, self.up, reversed(seen), strict=True):
            x = block(jnp.concatenate([before, double(x)], axis=-1))
        return self.head(x)

    def _sizes(self, features: Any) -> list[int]:
        where = type(self).__name__
        if not isinstance(features, (tuple, list)) or not features:
            raise ArgumentError(
                where,
                expected="`features` to be a sequence of sizes with at least one entry",
                received=f"features={describe(features)}",
                fix="Pass the channels at each resolution, for example `features=(64, 128, 256)`.",
            )
        return [positive_int(where, "features", size) for size in features]

    def _check_size(self, x: jax.Array) -> None:
        factor = 2 ** len(self.down)
        if x.ndim < 3 or any(size % factor for size in x.shape[-3:-1]):
            raise ShapeError(
                type(self).__name__,
                expected=f"`x` of shape (batch, height, width, channels), height and width"
                f" divisible by {factor}",
                received=f"x={describe(x)}",
                fix="Pad the images with `jnp.pad`, or give the model fewer `features`.",
            )
