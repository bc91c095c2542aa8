"""Residual."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (4, 3))


def test_the_input_is_added() -> None:
    model = nn.Residual(nn.Linear(3)).init(0, X)
    np.testing.assert_allclose(model(X), X + model.layer(X), rtol=1e-6)
    np.testing.assert_allclose(nn.Residual(jnp.sin)(X), X + jnp.sin(X), rtol=1e-6)


def test_the_shortcut_is_added() -> None:
    model = nn.Residual(nn.Linear(5), nn.Linear(5, use_bias=False)).init(0, X)
    np.testing.assert_allclose(model(X), model.layer(X) + model.shortcut(X), rtol=1e-6)
    assert list(model.state_dict()) == ["layer/kernel", "layer/bias", "shortcut/kernel"]


def test_further_arguments_go_to_the_layer() -> None:
    model = nn.Residual(lambda x, scale, *, shift: scale * x + shift, jnp.negative)
    np.testing.assert_allclose(model(X, 3.0, shift=1.0), 2 * X + 1, rtol=1e-5)


def test_dtypes_promote() -> None:
    half = X.astype(jnp.bfloat16)
    assert nn.Residual(jnp.sin)(half).dtype == jnp.bfloat16
    assert nn.Residual(lambda x: x.astype(jnp.float32))(half).dtype == jnp.float32


def test_a_change_of_shape_is_refused_with_the_path() -> None:
    model = nn.Sequential(nn.Residual(nn.Linear(1)))
    message = (
        r"Residual at layers/0: expected the input and the layer's output to have the same shape,"
        r" received array of shape \(4, 3\) .* and layer\(x\)=array of shape \(4, 1\).*`shortcut`"
    )
    with pytest.raises(ShapeError, match=message):
        model.init(0, X)
    with pytest.raises(ShapeError, match="expected the shortcut's output and the layer's"):
        nn.Residual(jnp.sin, lambda x: x[:1])(X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "`layer` to be a module or a function, received a int"),
        ((None,), "`layer` to be a module or a function, received a NoneType"),
        ((nn.Linear,), "received the class Linear"),
        ((jnp.sin, [jnp.sin]), "`shortcut` to be a module or a function, received a list"),
    ],
)
def test_what_is_no_layer_is_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.Residual(*arguments)


def test_the_gradient_passes_both_ways() -> None:
    model = nn.Residual(nn.Linear(3, kernel_init="zeros")).init(0, X)
    gradient = jax.grad(lambda x: model(x).sum())(X)
    np.testing.assert_array_equal(gradient, jnp.ones_like(X))
    assert tx.grad(lambda m: m(X).sum())(model).layer.kernel.shape == (3, 3)
