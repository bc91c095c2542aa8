"""LayerNorm, and what it shares with BatchNorm."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (4, 5, 8)) * 3 + 2


def test_the_formula() -> None:
    layer = nn.LayerNorm(epsilon=1e-3, scale_init="normal", bias_init="normal").init(0, X)
    x = np.asarray(X, np.float64)
    normal = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    expected = normal * np.asarray(layer.scale) + np.asarray(layer.bias)
    np.testing.assert_allclose(tx.jit(layer)(X), expected, rtol=1e-4, atol=1e-5)


def test_each_example_has_mean_0_and_variance_1() -> None:
    y = nn.LayerNorm().init(0, X)(X)
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(-1), 1, rtol=1e-4)


@pytest.mark.parametrize("shape", [(8,), (2, 8), (2, 3, 4, 8)])
def test_any_number_of_leading_axes(shape: tuple[int, ...]) -> None:
    layer = nn.LayerNorm().init(0, jnp.ones(8))
    assert jax.eval_shape(layer, jnp.ones(shape)).shape == shape


@pytest.mark.parametrize(
    ("use_scale", "use_bias", "fields"),
    [
        (True, True, ["scale", "bias"]),
        (True, False, ["scale"]),
        (False, True, ["bias"]),
        (False, False, []),
    ],
)
def test_scale_and_bias_are_optional(use_scale: bool, use_bias: bool, fields: list[str]) -> None:
    layer = nn.LayerNorm(use_scale=use_scale, use_bias=use_bias).init(0, X)
    assert list(layer.state_dict()) == fields
    np.testing.assert_allclose(layer(X), nn.LayerNorm().init(0, X)(X), rtol=1e-5)


def test_a_large_mean_costs_no_digits() -> None:
    x = jnp.array([[10000.0, 10001.0, 10002.0]])  # the one-pass variance is off by 0.3 here
    y = nn.LayerNorm().init(0, x)(x)
    np.testing.assert_allclose(y, [[-1.2247, 0.0, 1.2247]], atol=1e-3)


def test_half_precision_is_normalised_in_single() -> None:
    x = X.astype(jnp.bfloat16)
    layer = nn.LayerNorm(dtype=jnp.bfloat16, param_dtype=jnp.bfloat16).init(0, x)
    exact = nn.LayerNorm().init(0, x)(x.astype(jnp.float32))
    assert layer(x).dtype == jnp.bfloat16
    np.testing.assert_array_equal(layer(x), exact.astype(jnp.bfloat16))


@pytest.mark.parametrize("axes", [(-2, -1), (2, 1), (0, -1), 1])
def test_statistics_over_several_axes(axes: int | tuple[int, ...]) -> None:
    layer = nn.LayerNorm(axes=axes, scale_init="normal", bias_init="normal").init(0, X)
    reduced = (axes,) if isinstance(axes, int) else tuple(sorted(axis % 3 for axis in axes))
    x = np.asarray(X, np.float64)
    normal = (x - x.mean(reduced, keepdims=True)) / np.sqrt(x.var(reduced, keepdims=True) + 1e-6)
    shape = [X.shape[axis] if axis in reduced else 1 for axis in range(3)]
    assert layer.scale.shape == tuple(X.shape[axis] for axis in reduced)
    expected = normal * np.asarray(layer.scale).reshape(shape)
    expected = expected + np.asarray(layer.bias).reshape(shape)
    np.testing.assert_allclose(tx.jit(layer)(X), expected, rtol=1e-4, atol=1e-5)


def test_parameters_may_lie_along_other_axes() -> None:
    layer = nn.LayerNorm(axes=(1, 2), feature_axes=-1, bias_init="normal").init(0, X)
    assert layer.scale.shape == (8,)
    plain = nn.LayerNorm(axes=(1, 2), use_scale=False, use_bias=False).init(0, X)
    expected = np.asarray(tx.jit(plain)(X)) + np.asarray(layer.bias)
    np.testing.assert_allclose(tx.jit(layer)(X), expected, rtol=1e-4, atol=1e-5)


def test_axes_are_checked() -> None:
    with pytest.raises(ArgumentError, match="LayerNorm: expected `axes` to name at least one axis"):
        nn.LayerNorm(axes=())
    with pytest.raises(ArgumentError, match="`feature_axes` to be a tuple of integers"):
        nn.LayerNorm(feature_axes=1.5)
    with pytest.raises(ShapeError, match=r"`x` to have the axes axes=\(-4, -1\), received x=array"):
        nn.LayerNorm(axes=(-4, -1)).init(0, X)
    layer = nn.LayerNorm(axes=(-2, -1)).init(0, X)
    with pytest.raises(ShapeError, match=r"axes \(-2, -1\) of `x` to be \(5, 8\) \(as `scale` has"):
        layer(X[:, :4])


def test_second_derivatives_are_those_of_the_formula() -> None:
    layer = nn.LayerNorm(epsilon=1e-3).init(0, X)

    def by_hand(x: jax.Array) -> jax.Array:
        return ((x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-3)) ** 3

    ours = jax.jit(jax.hessian(lambda x: (layer(x) ** 3).sum()))(X[0, :2])
    expected = jax.jit(jax.hessian(lambda x: by_hand(x).sum()))(X[0, :2])
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("arguments", [{}, {"use_scale": False}])
def test_the_wrong_number_of_features_is_refused(arguments: dict[str, bool]) -> None:
    layer = nn.LayerNorm(**arguments).init(0, X)
    field = "bias" if arguments else "scale"
    with pytest.raises(ShapeError, match=rf"LayerNorm: expected .* to be 8 \(as `{field}` has\)"):
        layer(jnp.ones((4, 3)))


def test_a_scalar_is_refused() -> None:
    with pytest.raises(ShapeError, match="LayerNorm: expected `x` to have at least one axis"):
        nn.LayerNorm().init(0, jnp.ones(()))


@pytest.mark.parametrize("layer", [nn.LayerNorm, nn.BatchNorm, nn.GroupNorm, nn.InstanceNorm])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epsilon": -1.0}, ArgumentError, "`epsilon` to be a finite number of at least 0"),
        ({"scale_init": "one"}, UnknownNameError, "Did you mean 'ones'"),
        ({"bias_init": 0}, ArgumentError, "`bias_init` to be a name or a function"),
        ({"dtype": "int8"}, ArgumentError, "`dtype` to be a floating dtype"),
        ({"param_dtype": None}, ArgumentError, "`param_dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(
    layer: type, arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        layer(**arguments)
