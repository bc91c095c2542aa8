"""BatchNorm: statistics of the batch, running statistics, and when which is used."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (6, 5, 3)) * jnp.array([1.0, 2.0, 3.0]) + 4


def normal(x: jax.Array, mean: np.ndarray, var: np.ndarray, epsilon: float = 1e-5) -> np.ndarray:
    return (np.asarray(x) - np.asarray(mean)) / np.sqrt(np.asarray(var) + epsilon)


def test_in_training_it_uses_the_statistics_of_the_batch() -> None:
    layer = nn.BatchNorm(scale_init="normal", bias_init="normal", epsilon=1e-2).init(0, X)
    expected = normal(X, X.mean((0, 1)), X.var((0, 1)), 1e-2) * np.asarray(layer.scale)
    np.testing.assert_allclose(layer(X), expected + np.asarray(layer.bias), rtol=1e-4, atol=1e-5)


def test_what_init_makes_and_leaves_alone() -> None:
    layer = nn.BatchNorm().init(0, X)
    np.testing.assert_array_equal(layer.mean, np.zeros(3))
    np.testing.assert_array_equal(layer.var, np.ones(3))
    kinds = {info.path: info.kind for info in layer.fields()}
    assert kinds == {
        "scale": tx.Parameter,
        "bias": tx.Parameter,
        "mean": tx.BatchStat,
        "var": tx.BatchStat,
    }


def test_running_statistics_follow_the_recursion() -> None:
    layer = nn.BatchNorm(momentum=0.9).init(0, X)
    mean, var = np.zeros(3), np.ones(3)
    for step in range(4):
        x = X * (step + 1)
        layer(x)
        mean = 0.9 * mean + 0.1 * np.asarray(x.mean((0, 1)))
        var = 0.9 * var + 0.1 * np.asarray(x.var((0, 1)))  # the biased variance
        np.testing.assert_allclose(layer.mean, mean, rtol=1e-5)
        np.testing.assert_allclose(layer.var, var, rtol=1e-5)


@pytest.mark.parametrize(("momentum", "mean"), [(0.0, "batch"), (1.0, "initial")])
def test_momentum_at_its_ends(momentum: float, mean: str) -> None:
    layer = nn.BatchNorm(momentum=momentum).init(0, X)
    layer(X)
    expected = X.mean((0, 1)) if mean == "batch" else np.zeros(3)
    np.testing.assert_allclose(layer.mean, expected, rtol=1e-6)


@pytest.mark.parametrize("mode", ["eval", "frozen", "both"])
def test_in_evaluation_or_frozen_it_uses_the_running_statistics(mode: str) -> None:
    layer = nn.BatchNorm(momentum=0.5).init(0, X)
    layer(X)
    mean, var = layer.mean, layer.var
    layer = layer.eval() if mode != "frozen" else layer
    layer = layer.freeze() if mode != "eval" else layer
    np.testing.assert_allclose(layer(X), normal(X, mean, var), rtol=1e-4, atol=1e-5)
    assert layer.mean is mean
    assert layer.var is var


def test_it_learns_again_after_unfreezing() -> None:
    layer = nn.BatchNorm().init(0, X).freeze().unfreeze()
    layer(X)
    assert (layer.mean != 0).all()


def test_statistics_are_single_precision_for_half_precision_inputs() -> None:
    x = X.astype(jnp.bfloat16)
    layer = nn.BatchNorm(dtype=jnp.bfloat16, param_dtype=jnp.bfloat16).init(0, x)
    assert layer(x).dtype == jnp.bfloat16
    assert layer.scale.dtype == jnp.bfloat16
    assert layer.mean.dtype == layer.var.dtype == jnp.float32
    exact = np.asarray(x, np.float64).mean((0, 1))
    np.testing.assert_allclose(layer.mean, 0.01 * exact, rtol=1e-5)


def test_the_running_statistics_keep_the_dtype_that_they_have() -> None:
    layer = nn.BatchNorm().init(0, X).map(lambda value: value.astype(jnp.bfloat16))
    layer(X)
    assert layer.mean.dtype == layer.var.dtype == jnp.bfloat16


def test_a_large_mean_costs_no_digits() -> None:
    x = jnp.array([[10000.0], [10001.0], [10002.0]])
    layer = nn.BatchNorm(momentum=0).init(0, x)
    layer(x)
    np.testing.assert_allclose(layer.var, [2 / 3], rtol=1e-3)


def test_the_running_statistics_carry_no_gradient() -> None:
    layer = nn.BatchNorm(momentum=0.5).init(0, X)

    def updated_mean(x: jax.Array) -> jax.Array:
        model = layer.copy()
        model(x)
        return model.mean.sum()

    np.testing.assert_array_equal(jax.grad(updated_mean)(X), np.zeros(X.shape))


def test_with_an_axis_name_the_statistics_are_those_of_all_lanes() -> None:
    layer = nn.BatchNorm(axis_name="lanes", momentum=0.5).init(0, X)
    whole = nn.BatchNorm(momentum=0.5).init(0, X)

    def lane(x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        model = layer.copy()
        return model(x), model.mean, model.var

    y, mean, var = jax.vmap(lane, axis_name="lanes")(X)  # six lanes of shape (5, 3)
    np.testing.assert_allclose(y, whole(X), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mean, np.tile(whole.mean, (6, 1)), rtol=1e-5)
    np.testing.assert_allclose(var, np.tile(whole.var, (6, 1)), rtol=1e-5)


def test_with_an_axis_name_lanes_may_be_single_examples() -> None:
    layer = nn.BatchNorm(axis_name="lanes").init(0, X[0, 0])
    y = jax.vmap(lambda x: layer.copy()(x), axis_name="lanes")(X[:, 0])
    np.testing.assert_allclose(y, nn.BatchNorm().init(0, X)(X[:, 0]), rtol=1e-4, atol=1e-5)


def test_scale_and_bias_are_optional() -> None:
    layer = nn.BatchNorm(use_scale=False, use_bias=False).init(0, X)
    assert list(layer.state_dict()) == ["mean", "var"]
    assert list(layer.parameters().state_dict()) == []


@pytest.mark.parametrize("shape", [(3,), (0, 3), (4, 0, 3)])
def test_in_training_there_has_to_be_a_batch(shape: tuple[int, ...]) -> None:
    layer = nn.BatchNorm().init(0, X)
    with pytest.raises(ShapeError, match=r"at least one value per channel, received x=array of .*"):
        layer(jnp.ones(shape))
    assert layer.eval()(jnp.ones(shape)).shape == shape


def test_the_wrong_number_of_channels_is_refused() -> None:
    layer = nn.BatchNorm().init(0, X)
    for model in (layer, layer.eval()):
        with pytest.raises(
            ShapeError, match=r"BatchNorm: .* to be 3 \(as `mean` has\), received x="
        ):
            model(jnp.ones((4, 2)))


def test_a_scalar_is_refused() -> None:
    with pytest.raises(ShapeError, match="BatchNorm: expected `x` to have at least one axis"):
        nn.BatchNorm().init(0, jnp.ones(()))


@pytest.mark.parametrize("momentum", [-0.1, 1.1, None])
def test_the_momentum_is_checked(momentum: object) -> None:
    with pytest.raises(ArgumentError, match="BatchNorm: expected `momentum` to be a number from 0"):
        nn.BatchNorm(momentum=momentum)
