"""Images and patches that do not fit each other are refused, whatever the model."""

from typing import Any

import jax.numpy as jnp
import pytest

from treexlite import nn
from treexlite.errors import ArgumentError, ShapeError
from treexlite.models import MLPMixer, ViT
from treexlite.models._patches import check_images, count_patches


def test_patches_are_counted() -> None:
    assert count_patches("ViT", 8, 4) == 4


@pytest.mark.parametrize("model", [ViT, MLPMixer])
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"image_size": 10, "patch_size": 4}, "`image_size` to be divisible by patch_size=4, rece"),
        ({"patch_size": 0}, "`patch_size` to be an integer of at least 1"),
        ({"image_size": "large"}, "`image_size` to be an integer of at least 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(model: Any, sizes: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"{model.__name__}: expected {message}"):
        model(10, **sizes)


@pytest.mark.parametrize("shape", [(1, 4, 16, 3), (8, 8), (1, 8, 9, 3)])
def test_images_that_are_no_such_squares_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"`x` of shape \(batch, 8, 8, channels\), received x=arr"):
        check_images(nn.Identity(), jnp.ones(shape), 8)
