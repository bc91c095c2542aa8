import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.models.overfit import count, losses
from treexlite.errors import UnknownNameError
from treexlite.models import LeNet

X = jax.random.normal(jax.random.key(0), (8, 28, 28, 1))


def test_it_has_the_layers_of_the_paper() -> None:
    """Parameters of LeNet-5: 156 + 2,416 + 48,120 + 10,164 + 850."""
    assert count(LeNet, X) == 61_706


def test_it_learns_a_batch() -> None:
    loss = tx.losses.CrossEntropy()
    target = jnp.arange(8) % 10
    found = losses(LeNet(activation="relu").init(0, X), lambda m: loss(target, m(X)), steps=25)
    assert found[-1] < 0.1 < found[0]


def test_activations_are_known_by_name() -> None:
    with pytest.raises(tx.errors.UnknownNameError, match="an activation"):
        LeNet(activation="rel").init(0, X)


def test_an_activation_that_there_is_not_is_refused_when_it_is_built() -> None:
    with pytest.raises(UnknownNameError, match="LeNet: expected the name of an activation"):
        LeNet(activation="tanhh")
