"""TimeDistributed: the same as a loop over the steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (2, 5, 6, 3))


def test_it_equals_a_loop_over_steps() -> None:
    model = nn.TimeDistributed(nn.Sequential(nn.Conv(4, 3), nn.Flatten(), nn.Linear(2)))
    model = model.init(0, X)
    assert next(iter(model.state_dict())) == "layer/layers/0/kernel"
    expected = jnp.stack([model.layer(X[:, step]) for step in range(5)], 1)
    np.testing.assert_allclose(model(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tx.jit(model)(X), expected, rtol=1e-5, atol=1e-6)


def test_statistics_are_those_of_all_steps() -> None:
    model = nn.TimeDistributed(nn.BatchNorm(momentum=0.0)).init(0, X)
    model(X)
    np.testing.assert_allclose(model.layer.mean, X.mean((0, 1, 2)), rtol=1e-5, atol=1e-6)


def test_trees_and_functions() -> None:
    y = nn.TimeDistributed(lambda x: {"sum": x.sum((1, 2)), "same": x})(X)
    assert {name: value.shape for name, value in y.items()} == {"sum": (2, 5), "same": X.shape}


@pytest.mark.parametrize("shape", [(0, 5, 3), (2, 0, 3), (2, 5)])
def test_empty_axes_and_steps_that_are_scalars(shape: tuple[int, ...]) -> None:
    assert nn.TimeDistributed(jnp.sin)(jnp.ones(shape)).shape == shape


def test_what_is_no_sequence_is_refused() -> None:
    with pytest.raises(ShapeError, match="TimeDistributed: expected `x` to have at least two axes"):
        nn.TimeDistributed(jnp.sin)(jnp.ones(3))


def test_a_layer_that_mixes_examples_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"keep the batch of 2 \* 5 steps as first axis"):
        nn.TimeDistributed(lambda x: x.mean(0))(X)
    with pytest.raises(ShapeError, match="keep the batch"):
        nn.TimeDistributed(jnp.sum)(X)


def test_what_is_no_layer_is_refused() -> None:
    with pytest.raises(ArgumentError, match="`layer` to be a module or a function, received the c"):
        nn.TimeDistributed(nn.Linear)
