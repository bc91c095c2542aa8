"""Biases for distances: their slopes, their buckets and their axes."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError


def test_slopes_are_a_geometric_sequence() -> None:
    bias = nn.ALiBi(8)(jnp.arange(2))
    np.testing.assert_allclose(bias[:, 1, 0], -(2.0 ** -np.arange(1, 9)))
    between = nn.ALiBi(3)(jnp.arange(2))[:, 1, 0]
    np.testing.assert_allclose(between, [-(2.0**-4), -(2.0**-8), -(2.0**-2)])


@pytest.mark.parametrize(
    "layer", [nn.ALiBi(3), nn.RelativePositionBias(3, num_buckets=8).init(0)], ids=["alibi", "t5"]
)
def test_axes(layer: nn.ALiBi) -> None:
    assert layer(jnp.arange(5)).shape == (3, 5, 5)
    assert layer(jnp.arange(5), jnp.arange(4)).shape == (3, 5, 4)
    both = layer(jnp.array([[0, 1], [5, 6]]), jnp.arange(4))
    assert both.shape == (2, 3, 2, 4)
    np.testing.assert_allclose(both[1], layer(jnp.array([5, 6]), jnp.arange(4)), atol=1e-6)
    with pytest.raises(ShapeError, match="expected positions with a time axis"):
        layer(jnp.array(1))


def test_buckets_in_both_directions_and_in_one() -> None:
    both = nn.RelativePositionBias(1, num_buckets=8, max_distance=8).init(0)
    both.embedding = jnp.arange(8.0)[:, None]
    row = both(jnp.array([10]), jnp.arange(0, 21))[0, 0]
    assert [int(row[10 - d]) for d in (0, 1, 2, 4, 8, 10)] == [0, 1, 2, 3, 3, 3]
    assert [int(row[10 + d]) for d in (1, 2, 4, 8, 10)] == [5, 6, 7, 7, 7]
    one = nn.RelativePositionBias(1, num_buckets=4, max_distance=8, bidirectional=False).init(0)
    one.embedding = jnp.arange(4.0)[:, None]
    row = one(jnp.array([10]), jnp.arange(0, 21))[0, 0]
    assert (row[10:] == 0).all()
    assert [int(row[10 - d]) for d in (1, 2, 4, 10)] == [1, 2, 3, 3]


def test_what_is_refused() -> None:
    for layer in (nn.ALiBi, nn.RelativePositionBias):
        with pytest.raises(ArgumentError, match="`num_heads` to be an integer of at least 1"):
            layer(0)
    for options in ({"num_buckets": 3}, {"max_distance": 8}):
        with pytest.raises(ArgumentError, match="`num_buckets` to be at least 4, and"):
            nn.RelativePositionBias(2, **options)
    with pytest.raises(ArgumentError, match="`num_buckets` to be at least 2, and"):
        nn.RelativePositionBias(2, num_buckets=1, bidirectional=False)


def test_buckets_are_of_integers() -> None:
    layer = nn.RelativePositionBias(2).init(0)
    with pytest.raises(ArgumentError, match=r"integer positions, received .* dtype float32"):
        layer(jnp.arange(3.0))
