"""Noise against Keras: the same mean and variance, within five standard errors of both."""

import os
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

X = jnp.full((400, 250), 2.0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.GaussianNoise(0.7), keras.layers.GaussianNoise(0.7, seed=0)),
        (nn.GaussianDropout(0.3), keras.layers.GaussianDropout(0.3, seed=0)),
        (nn.Dropout(0.3), keras.layers.Dropout(0.3, seed=0)),
    ],
    ids=["GaussianNoise", "GaussianDropout", "Dropout"],
)
def test_mean_and_variance(ours: Any, theirs: Any) -> None:
    mine, other = ours.init(0)(X), jnp.asarray(theirs(X, training=True))
    spread = float(other.std())
    # 100,000 draws: the mean of one side has a standard error of spread / 316, of two sides 1.41
    # times that; the variance one of spread² * 1.41 / 316, the normal distribution having the
    # largest fourth moment of the three.
    np.testing.assert_allclose(mine.mean(), other.mean(), atol=5 * 1.41 * spread / 316)
    np.testing.assert_allclose(mine.var(), other.var(), atol=5 * 2 * spread**2 / 316)


@pytest.mark.parametrize("rank", [3, 4, 5])
def test_spatial_dropout_drops_the_same_blocks(rank: int) -> None:
    shape = (50, *(3,) * (rank - 2), 40)
    make = getattr(keras.layers, f"SpatialDropout{rank - 2}D")
    x = jnp.ones(shape)
    both = nn.SpatialDropout(0.4).init(0)(x), jnp.asarray(make(0.4, seed=0)(x, training=True))
    for y in both:
        channels = np.asarray(y).reshape(50, -1, 40)
        assert (channels == channels[:, :1]).all()
        np.testing.assert_allclose(np.unique(channels), [0, 1 / 0.6], rtol=1e-6)
        # 2000 draws: five standard deviations of the fraction are 0.055.
        np.testing.assert_allclose((channels[:, 0] == 0).mean(), 0.4, atol=0.055)
