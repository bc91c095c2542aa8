"""Linear: the formula, its parameters, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (4, 3))


def test_it_multiplies_and_adds() -> None:
    layer = nn.Linear(2, bias_init="normal").init(0, X)
    expected = np.asarray(X) @ np.asarray(layer.kernel) + np.asarray(layer.bias)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 5, 3), (0, 3)])
def test_any_number_of_leading_axes(shape: tuple[int, ...]) -> None:
    layer = nn.Linear(2).init(0, jnp.ones(3))
    assert layer(jnp.ones(shape)).shape == (*shape[:-1], 2)


def test_what_init_makes() -> None:
    layer = nn.Linear(2).init(0, X)
    assert layer.kernel.shape == (3, 2)
    np.testing.assert_array_equal(layer.bias, [0, 0])
    assert {info.path: info.kind for info in layer.fields()} == {
        "kernel": tx.Parameter,
        "bias": tx.Parameter,
    }


def test_without_bias_there_is_none() -> None:
    layer = nn.Linear(2, use_bias=False).init(0, X)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["kernel"]
    np.testing.assert_allclose(layer(X), X @ layer.kernel, rtol=1e-6)


def test_a_given_kernel_is_kept_and_the_bias_fits_it() -> None:
    layer = nn.Linear(2)
    layer.kernel = jnp.ones((3, 5))
    layer = layer.init(0, X)
    assert layer.bias.shape == (5,)
    np.testing.assert_allclose(layer(X)[:, 0], X.sum(-1), rtol=1e-5)


@pytest.mark.parametrize("name", ["orthogonal", "zeros"])
def test_initialisers_by_name(name: str) -> None:
    layer = nn.Linear(3, kernel_init=name, bias_init="ones").init(0, X)
    product = layer.kernel.T @ layer.kernel
    np.testing.assert_allclose(product, np.eye(3) * (name == "orthogonal"), atol=1e-5)
    np.testing.assert_array_equal(layer.bias, np.ones(3))


def test_integers_and_lists_are_taken_as_numbers() -> None:
    layer = nn.Linear(1, kernel_init="ones").init(0, X)
    assert float(layer([1, 2, 3])[0]) == 6.0
    assert layer(np.array([[1, 2, 3]], np.uint8)).dtype == jnp.float32


def test_the_wrong_number_of_features_is_refused_with_the_path() -> None:
    class Model(tx.Module):
        def __init__(self) -> None:
            self.layers = [nn.Linear(3), nn.Linear(2)]

        def __call__(self, x: jax.Array) -> jax.Array:
            return self.layers[1](x)

    model = Model().init(0, X)
    message = (
        r"^Linear at layers/1: expected the last axis of `x` to be 3 \(as `kernel` has\), received"
        r" x=array of shape \(8, 32\) and dtype float32. Pass features of size 3, or create a new"
    )
    with pytest.raises(ShapeError, match=message):
        model(jnp.ones((8, 32)))


def test_a_scalar_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"Linear: expected `x` to have at least one axis"):
        nn.Linear(2).init(0, jnp.ones(()))


def test_calling_before_init_is_refused() -> None:
    with pytest.raises(NotInitializedError, match="`kernel`, `bias` are not created yet"):
        nn.Linear(2)(X)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"features": 0}, ArgumentError, "`features` to be an integer of at least 1"),
        ({"kernel_init": "lecun"}, UnknownNameError, "Did you mean 'lecun_"),
        ({"kernel_init": 3}, ArgumentError, "`kernel_init` to be a name or a function"),
        ({"bias_init": None}, ArgumentError, "`bias_init` to be a name or a function"),
        ({"dtype": "int32"}, ArgumentError, "`dtype` to be a floating dtype"),
        ({"param_dtype": None}, ArgumentError, "`param_dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nn.Linear(**{"features": 2, **arguments})


def test_it_prints_as_it_was_written() -> None:
    assert "kernel_init='he_normal'" in repr(nn.Linear(2, kernel_init="he_normal"))
