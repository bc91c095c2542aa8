"""Dropout: what is dropped, when, and how the key moves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError

X = jnp.ones((64, 32))


def test_a_part_is_dropped_and_the_rest_scaled_up() -> None:
    y = nn.Dropout(0.25).init(0)(X)
    values, counts = np.unique(y, return_counts=True)
    np.testing.assert_allclose(values, [0, 1 / 0.75], rtol=1e-6)
    # 2048 draws: five standard deviations of the fraction are 0.048.
    np.testing.assert_allclose(counts[0] / X.size, 0.25, atol=0.048)


def test_the_mask_is_the_one_of_the_split_key() -> None:
    layer = nn.Dropout(0.5).init(0)
    kept_key, key = jax.random.split(layer.key)
    y = layer(X)
    np.testing.assert_array_equal(y != 0, jax.random.bernoulli(key, 0.5, X.shape))
    np.testing.assert_array_equal(layer.key, kept_key)


def test_every_call_draws_anew_and_jit_draws_the_same() -> None:
    eager, compiled = nn.Dropout(0.5).init(0), nn.Dropout(0.5).init(0)
    fast = tx.jit(compiled)
    masks = [np.asarray(eager(X)) for _ in range(3)]
    assert not np.array_equal(masks[0], masks[1])
    for mask in masks:
        np.testing.assert_array_equal(fast(X), mask)
    np.testing.assert_array_equal(compiled.key, eager.key)


@pytest.mark.parametrize(("rate", "training"), [(0.5, False), (0.0, True), (0, False)])
def test_in_evaluation_and_at_rate_0_nothing_happens(rate: float, training: bool) -> None:
    layer = nn.Dropout(rate).init(0).train(training)
    key = layer.key
    assert layer(X) is X
    assert layer.key is key


def test_rate_1_drops_everything_without_nan() -> None:
    layer = nn.Dropout(1).init(0)
    gradient = jax.grad(lambda x: layer.copy()(x).sum())(X)
    assert (layer(X) == 0).all()
    assert (gradient == 0).all()


def test_infinite_values_are_dropped_too() -> None:
    y = nn.Dropout(0.5).init(0)(jnp.full(100, jnp.inf))
    assert not jnp.isnan(y).any()


def test_freezing_does_not_switch_it_off() -> None:
    y = nn.Dropout(0.5).init(0).freeze()(X)
    assert (y == 0).any()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_dtype_is_kept(dtype: str) -> None:
    layer = nn.Dropout(0.5).init(0)
    assert layer(X.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("axes", [(1, 2), (-3, -2), [1, 2]])
def test_values_are_dropped_together_along_broadcast_axes(axes: tuple[int, ...]) -> None:
    y = nn.Dropout(0.5, broadcast_axes=axes).init(0)(jnp.ones((8, 4, 4, 16)))
    per_channel = y.reshape(8, 16, 16)
    assert ((per_channel == per_channel[:, :1]).all(1)).all()
    assert 0 < (per_channel[:, 0] == 0).mean() < 1


def test_one_axis_may_be_a_plain_integer() -> None:
    y = nn.Dropout(0.5, broadcast_axes=0).init(0)(X)
    assert (y == y[:1]).all()


def test_a_given_key_needs_no_init() -> None:
    layer = nn.Dropout(0.5, key=3)
    np.testing.assert_array_equal(layer.key, jax.random.PRNGKey(3))
    assert layer.initialized
    same = nn.Dropout(0.5, key=jax.random.key(3))
    np.testing.assert_array_equal(layer(X), same(X))
    assert nn.Dropout(0.5, key=3).init(0).key.tolist() == jax.random.PRNGKey(3).tolist()


def test_two_layers_of_a_model_have_different_keys() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5)).init(0)
    assert not jnp.array_equal(model[0].key, model[1].key)


def test_calling_before_init_is_refused() -> None:
    with pytest.raises(NotInitializedError, match="`key` is not created yet"):
        nn.Dropout(0.5)(X)


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan"), "half", None])
def test_the_rate_is_checked(rate: object) -> None:
    with pytest.raises(ArgumentError, match="Dropout: expected `rate` to be a number from 0 to 1"):
        nn.Dropout(rate)


def test_the_key_and_the_axes_are_checked() -> None:
    with pytest.raises(ArgumentError, match="Dropout: expected `key` to be an integer seed or one"):
        nn.Dropout(0.5, key="seed")
    with pytest.raises(ArgumentError, match="`broadcast_axes` to be a tuple of integers"):
        nn.Dropout(0.5, broadcast_axes=1.5)
    with pytest.raises(
        ShapeError, match=r"`x` to have the axes broadcast_axes=\(2,\), received x="
    ):
        nn.Dropout(0.5, broadcast_axes=2).init(0)(X)


@pytest.mark.parametrize("axes", [None, (-3, -2)])
def test_spatial_dropout_drops_whole_channels(axes: tuple[int, ...] | None) -> None:
    y = nn.SpatialDropout(0.25, spatial_axes=axes).init(0)(jnp.ones((8, 4, 5, 256)))
    assert (y == y[:, :1, :1]).all()
    values, counts = np.unique(y[:, 0, 0], return_counts=True)
    np.testing.assert_allclose(values, [0, 1 / 0.75], rtol=1e-6)
    # 2048 draws: five standard deviations of the fraction are 0.048.
    np.testing.assert_allclose(counts[0] / 2048, 0.25, atol=0.048)


def test_spatial_dropout_is_dropout_that_is_shared_along_the_spatial_axes() -> None:
    x = jax.random.normal(jax.random.key(0), (2, 3, 4, 5))
    y = nn.SpatialDropout(0.5, key=3)(x)
    np.testing.assert_array_equal(y, nn.Dropout(0.5, broadcast_axes=(1, 2), key=3)(x))


@pytest.mark.parametrize("training", [True, False])
def test_spatial_dropout_needs_spatial_axes(training: bool) -> None:
    layer = nn.SpatialDropout(0.5).init(0).train(training)
    with pytest.raises(ShapeError, match="SpatialDropout: expected `x` to have spatial axes"):
        layer(jnp.ones((3, 4)))
    with pytest.raises(ArgumentError, match="`spatial_axes` to be a tuple of integers"):
        nn.SpatialDropout(0.5, spatial_axes="all")
