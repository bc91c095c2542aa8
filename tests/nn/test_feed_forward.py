"""FeedForward: the formula, sizes that come from the input, dropout, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (4, 3))


def test_it_is_two_linear_layers_with_an_activation_between() -> None:
    layer = nn.FeedForward(5, activation="tanh", bias_init="normal").init(0, X)
    hidden = np.tanh(X @ layer.up.kernel + layer.up.bias)
    expected = hidden @ layer.down.kernel + layer.down.bias
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("features", "expected"), [(None, 3), (7, 7)])
def test_the_output_has_the_size_of_the_input_or_the_one_asked_for(
    features: int | None, expected: int
) -> None:
    layer = nn.FeedForward(5, features=features).init(0, X)
    assert layer(jnp.ones((2, 0, 3))).shape == (2, 0, expected)
    assert layer(jnp.ones(3)).shape == (expected,)
    assert layer.down.kernel.shape == (5, expected)


def test_dropout_works_on_the_hidden_features() -> None:
    layer = nn.FeedForward(8, dropout_rate=0.5).init(0, X)
    assert [info.path for info in layer.fields(tx.Rng)] == ["dropout/key"]
    assert (layer(X) != layer(X)).any()
    still = layer.eval()
    np.testing.assert_array_equal(still(X), still(X))
    layer.down.kernel = jnp.ones((8, 3))
    kept = layer(X) - layer.down.bias  # every feature sums the same hidden ones
    np.testing.assert_allclose(kept, kept[:, :1] * jnp.ones(3), rtol=1e-5)


def test_without_dropout_there_is_no_key() -> None:
    assert not list(nn.FeedForward(8).init(0, X).fields(tx.Rng))


def test_without_biases() -> None:
    layer = nn.FeedForward(8, use_bias=False).init(0, X)
    assert list(layer.state_dict()) == ["up/kernel", "down/kernel"]


def test_another_number_of_features_is_refused_with_the_path() -> None:
    layer = nn.FeedForward(8).init(0, X)
    with pytest.raises(ShapeError, match="Linear at up: expected the last axis of `x` to be 3"):
        layer(jnp.ones((2, 4)))


def test_a_scalar_is_refused() -> None:
    with pytest.raises(ShapeError, match="FeedForward: expected `x` to have at least one axis"):
        nn.FeedForward(8).init(0, jnp.ones(()))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"hidden": 0}, ArgumentError, "`hidden` to be an integer of at least 1"),
        ({"features": 0}, ArgumentError, "`features` to be an integer of at least 1"),
        ({"dropout_rate": 2}, ArgumentError, "`dropout_rate` to be a number from 0 to 1"),
        ({"activation": "gelo"}, UnknownNameError, "gelu"),
        ({"kernel_init": "he"}, UnknownNameError, "he_"),
        ({"dtype": "int32"}, ArgumentError, "`dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nn.FeedForward(**{"hidden": 4, **options})
