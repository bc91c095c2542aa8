"""Positions that are added: waves and tables, from the start or onwards."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, RangeError, ShapeError

X = jax.random.normal(jax.random.key(0), (2, 5, 6))


def layers() -> list[Any]:
    return [nn.SinusoidalPositions(), nn.LearnedPositions(7).init(0, X)]


def test_waves_are_those_of_the_paper() -> None:
    for features in (6, 5):
        x = X[..., :features]
        added = np.asarray(nn.SinusoidalPositions(base=100.0)(x) - x)
        for t in range(5):
            for f in range(features):
                angle = t / 100.0 ** (2 * (f // 2) / features)
                expected = np.cos(angle) if f % 2 else np.sin(angle)
                np.testing.assert_allclose(added[:, t, f], expected, atol=1e-6)


def test_a_table_has_a_row_for_each_position() -> None:
    layer = layers()[1]
    np.testing.assert_allclose(layer(X) - X, jnp.stack([layer.embedding[:5]] * 2), atol=1e-6)
    gradient = tx.grad(lambda m: m(X).sum())(layer).embedding
    np.testing.assert_allclose(gradient, np.repeat([[2.0]] * 5 + [[0.0]] * 2, 6, 1))


@pytest.mark.parametrize("number", [0, 1])
def test_positions_of_ones_own(number: int) -> None:
    layer = layers()[number]
    zeros = jnp.zeros((2, 5, 6))
    first = layer(zeros)
    backwards = layer(zeros, positions=jnp.array([4, 3, 2, 1, 0]))
    np.testing.assert_allclose(backwards, first[:, ::-1], atol=1e-6)
    own = layer(zeros, positions=jnp.array([[0, 0, 0, 0, 0], [1, 2, 3, 4, 5]]))
    np.testing.assert_allclose(own[1, :4], first[1, 1:], atol=1e-6)
    np.testing.assert_allclose(own[0], first[0, :1].repeat(5, 0), atol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("number", [0, 1])
def test_decoding_continues(number: int, compiled: bool) -> None:
    layer = layers()[number]
    whole = layer(X)
    nn.start_cache(layer, 2)
    call = tx.jit(layer) if compiled else layer
    parts = [call(X[:, :2]), call(X[:, 2:3]), call(X[:, 3:])]
    np.testing.assert_allclose(jnp.concatenate(parts, 1), whole, atol=1e-6)
    assert int(layer.cache_index) == 5
    nn.clear_cache(layer)
    np.testing.assert_array_equal(layer(X), whole)
    with pytest.raises(ArgumentError, match="`batch_size` to be an integer"):
        layer.start_cache("2")


@pytest.mark.parametrize("number", [0, 1])
def test_axes_and_dtypes(number: int) -> None:
    layer = layers()[number]
    np.testing.assert_allclose(layer(X[0]), layer(X)[0], atol=1e-6)
    np.testing.assert_allclose(layer(X[None])[0], layer(X), atol=1e-6)
    assert layer(X[:, :0]).shape == (2, 0, 6)
    assert layer(jnp.ones((2, 6), int)).dtype == jnp.float32
    assert nn.SinusoidalPositions()(X.astype("bfloat16")).dtype == jnp.bfloat16


def test_past_the_end_of_a_table() -> None:
    layer = layers()[1]
    with pytest.raises(RangeError, match="at most max_length=7 positions, received 8"):
        layer(jnp.ones((8, 6)))
    with pytest.raises(RangeError, match="`positions` from 0 to 6"):
        layer(X, positions=jnp.arange(5) + 3)
    layer.start_cache(2)
    layer(X)
    with pytest.raises(RangeError, match="received 3 more after 5"):
        layer(X[:, :3])
    assert int(layer.cache_index) == 5
    y = tx.jit(layer)(X[:, :3])
    assert jnp.isfinite(y[:, :2]).all()
    assert jnp.isnan(y[:, 2]).all()


def test_what_is_refused() -> None:
    for layer in layers():
        with pytest.raises(ShapeError, match="`x` to have at least two axes"):
            layer(jnp.ones(6))
        with pytest.raises(ShapeError, match=r"`positions` to broadcast to .*=\(2, 5\)"):
            layer(X, positions=jnp.arange(4))
    with pytest.raises(ShapeError, match=r"last axis of `x` to be 6 \(as `embedding` has\)"):
        layers()[1](X[..., :5])
    with pytest.raises(ArgumentError, match="`base` to be a finite number above 0"):
        nn.SinusoidalPositions(base=-1)
    with pytest.raises(ArgumentError, match="`max_length` to be an integer of at least 1"):
        nn.LearnedPositions(0)
    with pytest.raises(ArgumentError, match="integer `positions`"):
        layers()[1](X, positions=jnp.arange(5.0))
