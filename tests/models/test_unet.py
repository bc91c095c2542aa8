from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.models.overfit import count, losses
from treexlite.errors import ArgumentError
from treexlite.models import UNet

X = jax.random.normal(jax.random.key(0), (2, 8, 12, 3))


def test_the_output_has_the_size_of_the_image() -> None:
    model = UNet(5, features=(4, 6, 8)).init(0, X)
    assert tx.jit(model)(X).shape == (2, 8, 12, 5)


def test_the_number_of_parameters_is_that_of_the_paper() -> None:
    """31,030,658 with biases and no normalisation; a norm has a scale instead of nothing."""
    convolutions = 31_030_658
    norms = 2 * (64 + 128 + 256 + 512) * 2 + 2 * 1024  # scales; its biases are the convolutions'
    image = jax.ShapeDtypeStruct((1, 64, 64, 1), jnp.float32)
    assert count(lambda: UNet(2), image) == convolutions + norms


def test_it_learns_to_find_bright_pixels() -> None:
    target = (X.sum(-1) > 0).astype(int)
    loss = tx.losses.CrossEntropy()
    model = UNet(2, features=(8, 16)).init(0, X)
    found = losses(model, lambda m: loss(target, m(X)), steps=40)
    assert found[-1] < 0.2 < found[0]


def test_sizes_that_cannot_be_halved_are_refused() -> None:
    model = UNet(5, features=(4, 6, 8)).init(0, X)
    with pytest.raises(tx.errors.ShapeError, match="divisible by 4"):
        model(jnp.ones((1, 8, 10, 3)))
    with pytest.raises(tx.errors.ShapeError, match=r"shape \(8, 3\)"):
        model(jnp.ones((8, 3)))


@pytest.mark.parametrize("features", [(), 4, (4, 0), "abc", None])
def test_features_that_are_no_sizes_are_refused(features: Any) -> None:
    with pytest.raises(ArgumentError, match="UNet: expected `features` to be"):
        UNet(2, features=features)
