"""Patches: how many of them an image has, for models that cut images into squares.

In: the sizes of images and patches, and images. Out: the number of patches, or an error that names
the model. Nothing is mutated.
"""

from __future__ import annotations

from typing import Any

import jax

from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import positive_int
from treexlite.nn._inputs import as_array


def count_patches(where: str, image_size: Any, patch_size: Any) -> int:
    """Return how many patches cover a square image.

    Raises:
        ArgumentError: a size is no positive integer, or a part of the image is in no patch.
    """
    size = positive_int(where, "image_size", image_size)
    part = positive_int(where, "patch_size", patch_size)
    if size % part:
        raise ArgumentError(
            where,
            expected=f"`image_size` to be divisible by patch_size={patch_size}",
            received=f"image_size={image_size}",
            fix="Choose a divisor as `patch_size`, or resize the images.",
        )
    return (size // part) ** 2


def check_images(model: Any, x: Any, size: int) -> jax.Array:
    """Return the images `x`; refuse those that are not squares of `size`.

    Raises:
        ShapeError: they are not.
    """
    images = as_array(model, x)
    if images.ndim < 3 or images.shape[-3:-1] != (size, size):
        raise ShapeError(
            type(model).__name__,
            expected=f"`x` of shape (batch, {size}, {size}, channels)",
            received=f"x={describe(images)}",
            fix="Resize the images, or build the model with their `image_size`.",
        )
    return images
