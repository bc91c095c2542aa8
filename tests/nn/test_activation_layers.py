"""Activations with parameters: the formulas, one number or many, and what is refused."""

import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ShapeError, UnknownNameError
from treexlite.nn.initializers import constant

X = jnp.array([[-2.0, -0.5, 0.0], [0.5, 1.0, 3.0]])
LAYERS = [nn.PReLU, nn.Swish, nn.SReLU]


def test_prelu() -> None:
    layer = nn.PReLU().init(0, X)
    np.testing.assert_array_equal(layer(X), np.where(X > 0, X, 0.25 * X))
    layer.slope = jnp.array(-1.0)
    np.testing.assert_array_equal(layer(X), np.abs(X))


def test_swish_lies_between_a_line_and_a_relu() -> None:
    np.testing.assert_array_equal(nn.Swish(beta_init="zeros").init(0, X)(X), X / 2)
    np.testing.assert_allclose(nn.Swish().init(0, X)(X), jax.nn.silu(X), rtol=1e-6)
    sharp = nn.Swish(beta_init=constant(1e4)).init(0, X)
    np.testing.assert_allclose(sharp(X), jax.nn.relu(X), atol=1e-6)


def test_srelu_is_three_lines() -> None:
    layer = nn.SReLU(
        left_init=constant(-1.0),
        left_slope_init=constant(0.5),
        right_init=constant(2.0),
        right_slope_init=constant(3.0),
    ).init(0, X)
    x = jnp.array([-3.0, -1.0, 0.0, 2.0, 3.0]).reshape(-1, 1) * jnp.ones(3)
    np.testing.assert_allclose(layer(x)[:, 0], [-2.0, -1.0, 0.0, 2.0, 5.0])
    np.testing.assert_allclose(layer(x)[:, 0], layer(x)[:, 2])


def test_srelu_starts_as_a_leaky_relu() -> None:
    layer = nn.SReLU().init(0, X)
    np.testing.assert_allclose(layer(X), jax.nn.leaky_relu(X, 0.2), rtol=1e-6)


@pytest.mark.parametrize("cls", LAYERS)
@pytest.mark.parametrize("per_channel", [True, False])
def test_shapes_of_parameters_and_inputs(cls: Any, per_channel: bool) -> None:
    layer = cls(per_channel=per_channel).init(0, X)
    shapes = {value.shape for value in layer.state_dict().values()}
    assert shapes == {(3,) if per_channel else ()}
    for shape in [(3,), (0, 3), (2, 4, 3)] if per_channel else [(), (5,), (2, 4, 7)]:
        assert layer(jnp.ones(shape)).shape == shape
    assert layer(jnp.ones((2, 3), jnp.int32)).dtype == jnp.float32
    assert cls(dtype="bfloat16").init(0, X)(X).dtype == jnp.bfloat16


def test_each_channel_has_its_own() -> None:
    layer = nn.PReLU(per_channel=True).init(0, X)
    layer.slope = jnp.array([1.0, 0.0, 2.0])
    np.testing.assert_array_equal(layer(-jnp.ones((2, 3))), [[-1.0, 0.0, -2.0]] * 2)


@pytest.mark.parametrize("cls", LAYERS)
def test_other_channels_and_scalars_are_refused(cls: Any) -> None:
    layer = cls(per_channel=True).init(0, X)
    name = cls.__name__
    with pytest.raises(ShapeError, match=rf"{name}: expected `x` to have a last axis .* of size 3"):
        layer(jnp.ones((2, 4)))
    with pytest.raises(ShapeError, match=r"a last axis for the channels, received x=array"):
        cls(per_channel=True).init(0, jnp.ones(()))


def test_names_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="PReLU: expected the name of an initialiser"):
        nn.PReLU(slope_init="one")
    with pytest.raises(UnknownNameError, match="SReLU: expected the name of an initialiser"):
        nn.SReLU(right_slope_init="one")


@pytest.mark.parametrize("cls", LAYERS)
def test_descriptions_can_be_pickled(cls: Any) -> None:
    again = pickle.loads(pickle.dumps(cls()))
    assert jax.tree.structure(again) == jax.tree.structure(cls())
    np.testing.assert_array_equal(again.init(0, X)(X), cls().init(0, X)(X))
