"""MLP-Mixer: images as tables of patches by channels, mixed along rows and columns in turn."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from treexlite import nn
from treexlite._core import Module, static
from treexlite.models._patches import check_images, count_patches


class MixerBlock(Module):
    """Mix patches, then channels, each with a two-layer perceptron beside a shortcut.

    Args:
        num_patches: number of rows of the table.
        features: number of its columns.
        tokens_hidden: hidden size of the perceptron over patches.
        channels_hidden: hidden size of the perceptron over channels.

    Shapes:
        x, y: `(batch, patches, features)`.

    State:
        None.
    """

    def __init__(
        self, num_patches: int, features: int, *, tokens_hidden: int, channels_hidden: int
    ) -> None:
        self.token_norm = nn.LayerNorm()
        self.token_mlp = nn.MLP([tokens_hidden, num_patches], activation="gelu")
        self.channel_norm = nn.LayerNorm()
        self.channel_mlp = nn.MLP([channels_hidden, features], activation="gelu")

    def __call__(self, x: jax.Array) -> jax.Array:
        y = jnp.swapaxes(self.token_norm(x), -1, -2)  # (batch, features, patches)
        x = x + jnp.swapaxes(self.token_mlp(y), -1, -2)
        return x + self.channel_mlp(self.channel_norm(x))


class MLPMixer(Module):
    """Classify images with nothing but perceptrons over patches and over channels.

    Args:
        num_classes: number of logits.
        image_size: height and width of the images.
        patch_size: height and width of a patch; divides `image_size`.
        features: number of channels of a patch.
        num_layers: number of blocks; they are traced and compiled as one.
        tokens_hidden: hidden size of the perceptrons over patches.
        channels_hidden: hidden size of the perceptrons over channels.

    Shapes:
        x: `(batch, height, width, channels)`; y: `(batch, num_classes)`.

    State:
        None: parameters change by training only.

    Raises:
        ArgumentError: a number is outside its range, or `patch_size` does not divide `image_size`.
        ShapeError: the images have another size.

    Example:
        >>> import jax.numpy as jnp
        >>> from treexlite.models import MLPMixer
        >>> model = MLPMixer(10, image_size=8, patch_size=4, features=16, num_layers=2)
        >>> model = model.init(0, jnp.ones((1, 8, 8, 3)))
        >>> model(jnp.ones((5, 8, 8, 3))).shape
        (5, 10)

    Reference:
        Tolstikhin et al., MLP-Mixer: an all-MLP architecture for vision (2021). The defaults are
        its S/16.
    """

    image_size: int = static()

    def __init__(
        self,
        num_classes: int = 1000,
        *,
        image_size: int = 224,
        patch_size: int = 16,
        features: int = 512,
        num_layers: int = 8,
        tokens_hidden: int = 256,
        channels_hidden: int = 2048,
    ) -> None:
        num_patches = count_patches(type(self).__name__, image_size, patch_size)
        self.image_size = int(image_size)
        self.patches = nn.Conv(
            features, (patch_size, patch_size), strides=patch_size, padding="VALID"
        )
        block = MixerBlock(
            num_patches,
            features,
            tokens_hidden=tokens_hidden,
            channels_hidden=channels_hidden,
        )
        self.blocks = nn.Repeated(block, num_layers)
        self.norm = nn.LayerNorm()
        self.head = nn.Linear(num_classes, kernel_init="zeros")

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.patches(check_images(self, x, self.image_size))
        x = x.reshape(*x.shape[:-3], -1, x.shape[-1])  # (batch, patches, features)
        x = self.norm(self.blocks(x))
        return self.head(x.mean(-2))
