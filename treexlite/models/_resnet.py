"""ResNet: deep convolutional networks whose blocks add to their input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from treexlite import nn
from treexlite._core import Module
from treexlite._errors import ArgumentError, describe

_KERNEL = jax.nn.initializers.variance_scaling(2.0, "fan_out", "normal")


class BasicBlock(Module):
    """Two 3 x 3 convolutions beside a shortcut, as in ResNet-18 and 34.

    Args:
        features: number of output channels.
        strides: of the first convolution, and of the shortcut.
        project: whether the shortcut is a 1 x 1 convolution, because the shape changes.

    Shapes:
        x: `(batch, height, width, channels)`; y: `(batch, height', width', features)`.

    State:
        That of its BatchNorm layers.
    """

    expansion = 1

    def __init__(self, features: int, *, strides: int = 1, project: bool = False) -> None:
        self.conv1 = _conv(features, 3, strides)
        self.norm1 = _norm()
        self.conv2 = _conv(features, 3)
        self.norm2 = _norm(scale_init="zeros")
        self.shortcut = _shortcut(features, strides) if project else nn.Identity()

    def __call__(self, x: jax.Array) -> jax.Array:
        y = jax.nn.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return jax.nn.relu(y + self.shortcut(x))


class Bottleneck(Module):
    """A 3 x 3 convolution between two 1 x 1 ones beside a shortcut, as in ResNet-50.

    Args:
        features: number of channels inside; the output has four times as many.
        strides: of the 3 x 3 convolution, and of the shortcut.
        project: whether the shortcut is a 1 x 1 convolution, because the shape changes.

    Shapes:
        x: `(batch, height, width, channels)`; y: `(batch, height', width', 4 * features)`.

    State:
        That of its BatchNorm layers.
    """

    expansion = 4

    def __init__(self, features: int, *, strides: int = 1, project: bool = False) -> None:
        self.conv1 = _conv(features, 1)
        self.norm1 = _norm()
        self.conv2 = _conv(features, 3, strides)
        self.norm2 = _norm()
        self.conv3 = _conv(4 * features, 1)
        self.norm3 = _norm(scale_init="zeros")
        self.shortcut = _shortcut(4 * features, strides) if project else nn.Identity()

    def __call__(self, x: jax.Array) -> jax.Array:
        y = jax.nn.relu(self.norm1(self.conv1(x)))
        y = jax.nn.relu(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return jax.nn.relu(y + self.shortcut(x))


class ResNet(Module):
    """Classify images with stages of residual blocks, each stage at half the size of the last.

    Args:
        stage_sizes: number of blocks in each stage.
        num_classes: number of logits.
        block: `BasicBlock` or `Bottleneck`.
        width: channels of the first stage; each further one has twice as many.
        small_images: start with a 3 x 3 convolution at full size, for images of about 32 pixels,
            instead of the 7 x 7 one and the pooling that quarter images of 224.

    Shapes:
        x: `(batch, height, width, channels)`; y: `(batch, num_classes)`.

    State:
        The running statistics of its BatchNorm layers.

    Raises:
        ArgumentError: `stage_sizes` is empty.

    Example:
        >>> import jax.numpy as jnp
        >>> from treexlite.models import resnet18
        >>> model = resnet18(num_classes=10, width=8, small_images=True)
        >>> model = model.init(0, jnp.ones((1, 32, 32, 3)))
        >>> model(jnp.ones((2, 32, 32, 3))).shape
        (2, 10)

    Reference:
        He et al., Deep residual learning for image recognition (2015), with the stride on the 3 x 3
        convolution of a bottleneck as in torchvision ("v1.5"), and the last `scale` of each block
        starting at zero (Goyal et al. 2017). Padding is PyTorch's, so its weights can be used.
    """

    def __init__(
        self,
        stage_sizes: Sequence[int],
        num_classes: int = 1000,
        *,
        block: type[BasicBlock] | type[Bottleneck] = BasicBlock,
        width: int = 64,
        small_images: bool = False,
    ) -> None:
        if not stage_sizes:
            raise ArgumentError(
                type(self).__name__,
                expected="`stage_sizes` to name at least one stage",
                received=f"stage_sizes={describe(stage_sizes)}",
                fix="Pass the number of blocks of each stage, for example `(2, 2, 2, 2)`.",
            )
        self.small_images = bool(small_images)
        self.stem = _conv(width, 3) if small_images else _conv(width, 7, 2)
        self.norm = _norm()
        self.pool = nn.MaxPool((3, 3), strides=2, padding=1)
        self.stages = [
            _stage(block, width * 2**number, size, strides=1 if number == 0 else 2)
            for number, size in enumerate(stage_sizes)
        ]
        if block.expansion == 1:  # the first block of all keeps its shape
            self.stages[0][0].shortcut = nn.Identity()
        self.head = nn.Linear(num_classes)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.head(self.features(x))

    def features(self, x: jax.Array) -> jax.Array:
        """Return what the last layer reads: `(batch, channels)`, averaged over the image."""
        x = jax.nn.relu(self.norm(self.stem(x)))
        if not self.small_images:
            x = self.pool(x)
        for stage in self.stages:
            x = stage(x)
        return x.mean((-3, -2))


def resnet18(num_classes: int = 1000, **options: Any) -> ResNet:
    """Return a `ResNet` of 8 basic blocks: 11.7 million parameters at 1,000 classes."""
    return ResNet((2, 2, 2, 2), num_classes, block=BasicBlock, **options)


def resnet34(num_classes: int = 1000, **options: Any) -> ResNet:
    """Return a `ResNet` of 16 basic blocks: 21.8 million parameters at 1,000 classes."""
    return ResNet((3, 4, 6, 3), num_classes, block=BasicBlock, **options)


def resnet50(num_classes: int = 1000, **options: Any) -> ResNet:
    """Return a `ResNet` of 16 bottlenecks: 25.6 million parameters at 1,000 classes."""
    return ResNet((3, 4, 6, 3), num_classes, block=Bottleneck, **options)


def _stage(block: Any, features: int, size: int, strides: int) -> nn.Sequential:
    first = block(features, strides=strides, project=True)
    return nn.Sequential(first, *(block(features) for _ in range(size - 1)))


def _conv(features: int, window: int, strides: int = 1) -> nn.Conv:
    return nn.Conv(
        features,
        (window, window),
        strides=strides,
        padding=window // 2,
        use_bias=False,
        kernel_init=_KERNEL,
    )


def _norm(**options: Any) -> nn.BatchNorm:
    return nn.BatchNorm(momentum=0.9, **options)


def _shortcut(features: int, strides: int) -> nn.Sequential:
    return nn.Sequential(_conv(features, 1, strides), _norm())
