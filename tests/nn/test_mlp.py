"""MLP: where the activation goes, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (4, 3))


@pytest.mark.parametrize("activate_final", [False, True])
def test_the_activation_stands_between_the_layers(activate_final: bool) -> None:
    model = nn.MLP([5, 4, 2], activation="tanh", activate_final=activate_final).init(0, X)
    hidden = jnp.tanh(model.layers[1](jnp.tanh(model.layers[0](X))))
    expected = model.layers[2](hidden)
    expected = jnp.tanh(expected) if activate_final else expected
    np.testing.assert_allclose(model(X), expected, rtol=1e-6)


def test_the_arguments_reach_every_layer() -> None:
    model = nn.MLP(
        (5, 2),
        use_bias=False,
        kernel_init="ones",
        dtype=jnp.bfloat16,
        param_dtype=jnp.float16,
    ).init(0, X)
    assert list(model.state_dict()) == ["layers/0/kernel", "layers/1/kernel"]
    for layer in model.layers:
        assert layer.kernel.dtype == jnp.float16
        assert (layer.kernel == 1).all()
    assert model(X).dtype == jnp.bfloat16
    assert nn.MLP([2], bias_init="ones").init(0, X).layers[0].bias.tolist() == [1, 1]


def test_an_activation_may_be_a_module_with_parameters() -> None:
    class PReLU(tx.Module):
        slope: jax.Array = tx.Parameter.node()

        def __init__(self) -> None:
            self.slope = jnp.array(0.5)

        def __call__(self, x: jax.Array) -> jax.Array:
            return jnp.where(x > 0, x, self.slope * x)

    model = nn.MLP([5, 2], activation=PReLU()).init(0, X)
    assert "activation/slope" in model.state_dict()


@pytest.mark.parametrize("features", [[], 3, "64", None])
def test_features_have_to_be_a_sequence(features: object) -> None:
    with pytest.raises(ArgumentError, match="MLP: expected `features` to be a sequence of layer"):
        nn.MLP(features)


def test_the_entries_are_checked() -> None:
    with pytest.raises(ArgumentError, match="`features` to be an integer of at least 1"):
        nn.MLP([3, 0])
    with pytest.raises(UnknownNameError, match=r"^MLP: expected the name of an activation"):
        nn.MLP([3], activation="rellu")
    with pytest.raises(ArgumentError, match=r"^MLP: expected `activation` to be a name or"):
        nn.MLP([3], activation=None)


def test_dropout_follows_every_activation_and_nothing_else() -> None:
    x = jnp.ones((4, 3))
    model = nn.MLP([500, 500], dropout_rate=0.5, kernel_init="ones").init(0, x)
    y = model(x)  # each entry: the sum of the entries of the hidden layer that were kept, doubled
    assert (y != 0).all()
    assert len(np.unique(np.asarray(y[:, 0]))) > 1
    np.testing.assert_array_equal(model.eval()(x), jnp.full((4, 500), 1500.0))
    model = nn.MLP([500], dropout_rate=0.5, kernel_init="ones", activate_final=True).init(0, x)
    assert 0.3 < (model(x) == 0).mean() < 0.7


def test_without_dropout_there_is_no_key() -> None:
    assert nn.MLP([2]).init(0, jnp.ones(3)).rngs().state_dict() == {}
    with pytest.raises(ArgumentError, match="MLP: expected `dropout_rate` to be a number from 0"):
        nn.MLP([2], dropout_rate=2)
