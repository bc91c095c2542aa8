import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.models.overfit import count, losses
from treexlite.models import ResNet, resnet18, resnet34, resnet50

X = jax.random.normal(jax.random.key(0), (4, 16, 16, 3))
IMAGE = jax.ShapeDtypeStruct((1, 224, 224, 3), jnp.float32)


@pytest.mark.parametrize(
    ("make", "expected"),
    [(resnet18, 11_689_512), (resnet34, 21_797_672), (resnet50, 25_557_032)],
)
def test_numbers_of_parameters_are_those_of_torchvision(make: type, expected: int) -> None:
    assert count(make, IMAGE) == expected


def test_it_learns_a_batch_and_moves_its_statistics() -> None:
    model = ResNet((1, 1), 4, width=8, small_images=True).init(0, X)
    before = model.norm.mean
    loss = tx.losses.CrossEntropy()
    found = losses(model, lambda m: loss(jnp.arange(4), m(X)), steps=60)
    assert found[-1] < 0.1 < found[0]
    assert not jnp.allclose(model.norm.mean, before)


def test_a_block_begins_as_the_identity() -> None:
    """Its last scale is zero; what comes out is the relu of the shortcut."""
    model = resnet18(4, width=4, small_images=True).init(0, X)
    block, x = model.stages[0][1], jnp.abs(jax.random.normal(jax.random.key(1), (2, 5, 5, 4)))
    assert (block(x) == x).all()


def test_stages_halve_the_image() -> None:
    def outputs(x: jax.Array) -> list[jax.Array]:
        return _outputs(resnet50(4, width=2).init(0, x), x)

    image = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
    assert [y.shape for y in jax.eval_shape(outputs, image)] == [
        (1, 16, 16, 8),
        (1, 8, 8, 16),
        (1, 4, 4, 32),
        (1, 2, 2, 64),
    ]


def _outputs(model: ResNet, x: jax.Array) -> list[jax.Array]:
    x = model.pool(jax.nn.relu(model.norm(model.stem(x))))
    found = []
    for stage in model.stages:
        x = stage(x)
        found.append(x)
    return found


def test_there_has_to_be_a_stage() -> None:
    with pytest.raises(tx.errors.ArgumentError, match="at least one stage"):
        ResNet(())
