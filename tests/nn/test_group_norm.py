"""GroupNorm and InstanceNorm: what shares statistics, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (3, 5, 4, 6)) * 2 + 1


def by_hand(x: jax.Array, groups: int, epsilon: float = 1e-6) -> np.ndarray:
    grouped = np.asarray(x, np.float64).reshape(*x.shape[:-1], groups, -1)
    axes = (*range(1, x.ndim - 1), x.ndim)
    mean, var = grouped.mean(axes, keepdims=True), grouped.var(axes, keepdims=True)
    return ((grouped - mean) / np.sqrt(var + epsilon)).reshape(x.shape)


@pytest.mark.parametrize("arguments", [{"num_groups": 2}, {"group_size": 3}])
@pytest.mark.parametrize("rank", [2, 3, 4])
def test_groups_share_statistics(arguments: dict[str, int], rank: int) -> None:
    x = X if rank == 4 else X[:, 0] if rank == 3 else X[:, 0, 0]
    layer = nn.GroupNorm(**arguments, scale_init="normal", bias_init="normal").init(0, x)
    expected = by_hand(x, 2) * np.asarray(layer.scale) + np.asarray(layer.bias)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_there_are_32_groups_unless_said_otherwise() -> None:
    assert nn.GroupNorm().num_groups == 32
    assert nn.GroupNorm(group_size=2).num_groups is None


def test_one_group_for_each_channel_is_instance_norm() -> None:
    group, instance = nn.GroupNorm(6).init(0, X), nn.InstanceNorm().init(0, X)
    np.testing.assert_allclose(group(X), instance(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(instance(X), by_hand(X, 6), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer", [nn.GroupNorm(2, spatial_axes=(-3, -2)), nn.InstanceNorm(spatial_axes=(-3, -2))]
)
def test_named_axes_take_any_number_of_batch_axes(layer: nn.GroupNorm) -> None:
    layer = layer.init(0, X)
    np.testing.assert_allclose(layer(X[None])[0], layer(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer(X[0]), layer(X)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", [nn.GroupNorm(2), nn.InstanceNorm()])
def test_half_precision_is_normalised_in_single(layer: nn.GroupNorm) -> None:
    x = X.astype(jnp.bfloat16)
    layer = layer.init(0, x)
    np.testing.assert_array_equal(layer(x), layer(x.astype(jnp.float32)))


@pytest.mark.parametrize("layer", [nn.GroupNorm(2), nn.InstanceNorm()])
def test_a_batch_of_size_0(layer: nn.GroupNorm) -> None:
    assert layer.init(0, X)(X[:0]).shape == (0, 5, 4, 6)


@pytest.mark.parametrize("arguments", [{"num_groups": 4}, {"group_size": 4}])
def test_channels_have_to_form_groups(arguments: dict[str, int]) -> None:
    name = next(iter(arguments))
    with pytest.raises(
        ShapeError, match=f"channels of `x`, its last axis, to be divisible by {name}"
    ):
        nn.GroupNorm(**arguments).init(0, X)


@pytest.mark.parametrize("layer", [nn.GroupNorm(2), nn.InstanceNorm()])
def test_the_wrong_number_of_channels_is_refused(layer: nn.GroupNorm) -> None:
    with pytest.raises(
        ShapeError, match=r"Norm: expected the last axis of `x` to be 6 \(as `scale`"
    ):
        layer.init(0, X)(X[..., :4])


def test_ranks_are_checked() -> None:
    with pytest.raises(ShapeError, match="GroupNorm: expected `x` to have at least one axis"):
        nn.GroupNorm(1).init(0, jnp.ones(()))
    with pytest.raises(ShapeError, match="InstanceNorm: expected `x` to have spatial axes"):
        nn.InstanceNorm().init(0, jnp.ones((3, 4)))
    with pytest.raises(ShapeError, match="GroupNorm: expected `x` to have spatial axes"):
        nn.GroupNorm(1, spatial_axes=-1).init(0, X)


def test_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="one of `num_groups` and `group_size`, received num_g"):
        nn.GroupNorm(2, group_size=3)
    with pytest.raises(ArgumentError, match="`num_groups` to be an integer of at least 1"):
        nn.GroupNorm(0)
    with pytest.raises(ArgumentError, match="`spatial_axes` to name at least one axis"):
        nn.InstanceNorm(spatial_axes=())
