import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.models.overfit import count, losses
from treexlite.models import MLPMixer

X = jax.random.normal(jax.random.key(0), (4, 8, 8, 3))


def test_the_number_of_parameters_is_that_of_the_paper() -> None:
    """S/16 with 1,000 classes: 18.5 million."""
    image = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)
    assert count(MLPMixer, image) == 18_528_264


def test_it_learns_a_batch() -> None:
    sizes = {"features": 16, "num_layers": 2, "tokens_hidden": 8, "channels_hidden": 32}
    model = MLPMixer(4, image_size=8, patch_size=4, **sizes).init(0, X)
    loss = tx.losses.CrossEntropy()
    found = losses(model, lambda m: loss(jnp.arange(4), m(X)), steps=40)
    assert found[-1] < 0.1 < found[0]


def test_images_of_another_size_are_refused() -> None:
    sizes = {"features": 16, "num_layers": 2, "tokens_hidden": 8, "channels_hidden": 32}
    model = MLPMixer(4, image_size=8, patch_size=4, **sizes).init(0, X)
    with pytest.raises(tx.errors.ShapeError, match=r"MLPMixer: expected `x` of shape \(batch, 8"):
        model(jnp.ones((1, 12, 12, 3)))
