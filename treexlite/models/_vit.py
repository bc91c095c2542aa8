"""Vision transformer: an image as a sentence of patches."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from treexlite import nn
from treexlite._core import Initializer, Module, Parameter, static
from treexlite.models._patches import check_images, count_patches


class ViT(Module):
    """Classify images with a transformer encoder over their patches and one class token.

    Args:
        num_classes: number of logits.
        image_size: height and width of the images.
        patch_size: height and width of a patch; divides `image_size`.
        features: size of a patch's vector.
        num_layers: number of encoder layers; they are traced and compiled as one.
        num_heads: number of attention heads.
        hidden: size in the middle of the feed-forward layers. None: four times `features`.
        dropout_rate: the fraction that training drops.
        remat: whether intermediates of a layer are computed again during differentiation.

    Shapes:
        x: `(batch, height, width, channels)`; y: `(batch, num_classes)`.

    State:
        The keys of its dropout layers.

    Raises:
        ArgumentError: a number is outside its range, or `patch_size` does not divide `image_size`.
        ShapeError: the images have another size.

    Example:
        >>> import jax.numpy as jnp
        >>> from treexlite.models import ViT
        >>> model = ViT(10, image_size=8, patch_size=4, features=16, num_layers=2, num_heads=2)
        >>> model = model.init(0, jnp.ones((1, 8, 8, 3)))
        >>> model(jnp.ones((5, 8, 8, 3))).shape
        (5, 10)

    Reference:
        Dosovitskiy et al., An image is worth 16x16 words (2020); the defaults are its B/16. Layers
        normalise first, with the exact GELU.
    """

    class_token: jax.Array = Parameter.node()
    positions: jax.Array = Parameter.node()
    image_size: int = static()

    def __init__(
        self,
        num_classes: int = 1000,
        *,
        image_size: int = 224,
        patch_size: int = 16,
        features: int = 768,
        num_layers: int = 12,
        num_heads: int = 12,
        hidden: int | None = None,
        dropout_rate: float = 0.0,
        remat: bool = False,
    ) -> None:
        num_patches = count_patches(type(self).__name__, image_size, patch_size)
        self.image_size = int(image_size)
        self.patches = nn.Conv(
            features, (patch_size, patch_size), strides=patch_size, padding="VALID"
        )
        self.class_token = _drawn(1, features)
        self.positions = _drawn(num_patches + 1, features)
        self.dropout = nn.Dropout(dropout_rate)
        layer = nn.TransformerEncoderLayer(
            num_heads,
            4 * features if hidden is None else hidden,
            dropout_rate=dropout_rate,
            activation="gelu_exact",
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers, remat=remat)
        self.head = nn.Linear(num_classes)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.head(self.features(x))

    def features(self, x: jax.Array) -> jax.Array:
        """Return what the last layer reads: `(batch, features)`, the class token's."""
        x = self.patches(check_images(self, x, self.image_size))
        x = x.reshape(*x.shape[:-3], -1, x.shape[-1])  # (batch, patches, features)
        token = self.class_token.astype(x.dtype)
        token = jnp.broadcast_to(token, (*x.shape[:-2], *token.shape))
        x = jnp.concatenate([token, x], axis=-2)  # (batch, 1 + patches, features)
        positions = self.positions.astype(x.dtype)
        x = self.dropout(x + positions.reshape((1,) * (x.ndim - 2) + positions.shape))
        return self.encoder(x)[..., 0, :]


def _drawn(*shape: int) -> Any:
    """Return what `init` replaces by small random numbers."""
    return Initializer(functools.partial(_normal, shape))


def _normal(shape: tuple[int, ...], key: jax.Array) -> jax.Array:
    return 0.02 * jax.random.normal(key, shape)
