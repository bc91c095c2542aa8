import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.models.overfit import count, losses
from treexlite.models import ViT

X = jax.random.normal(jax.random.key(0), (4, 8, 8, 3))


def small(**options: float) -> ViT:
    return ViT(4, image_size=8, patch_size=4, features=16, num_layers=2, num_heads=2, **options)


def test_the_number_of_parameters_is_that_of_torchvision() -> None:
    image = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    assert count(ViT, image) == 86_567_656


def test_it_learns_a_batch() -> None:
    loss = tx.losses.CrossEntropy()
    model = small(dropout_rate=0.1).init(0, X)
    found = losses(model, lambda m: loss(jnp.arange(4), m(X)), steps=40)
    assert found[-1] < 0.2 < found[0]


def test_remat_changes_nothing_but_memory() -> None:
    plain, spared = small().init(0, X), small(remat=True).init(0, X)
    assert jnp.allclose(tx.jit(plain)(X), tx.jit(spared)(X), atol=1e-6)


def test_images_of_another_size_are_refused() -> None:
    model = small().init(0, X)
    with pytest.raises(tx.errors.ShapeError, match=r"ViT: expected `x` of shape \(batch, 8, 8"):
        model(jnp.ones((1, 12, 12, 3)))
