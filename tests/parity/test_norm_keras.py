"""Normalisations against Keras, to 1e-5: what Flax and PyTorch do not have."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.parity.compare import assert_close, compare_with_function
from treexlite import nn

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

X = 1.5 * jax.random.normal(jax.random.key(0), (6, 5, 4)) + 0.5


@pytest.mark.parametrize("axes", [-1, 1, (1, 2)])
def test_unit_norm(axes: int | tuple[int, ...]) -> None:
    theirs = keras.layers.UnitNormalization(axis=axes)
    compare_with_function(nn.UnitNorm(axes=axes), lambda _, x: theirs(x), X)


def test_running_statistics_with_a_mask_over_several_steps() -> None:
    ours = nn.BatchNorm(momentum=0.8, epsilon=1e-3).init(0, X)
    theirs = keras.layers.BatchNormalization(momentum=0.8, epsilon=1e-3)
    for step in range(4):
        x = X * (step + 1) - step
        mask = jax.random.bernoulli(jax.random.key(step), 0.6, X.shape[:-1])
        y = ours(x, mask=mask)
        assert_close(y, theirs(x, training=True, mask=mask))
        assert_close(ours.mean, jnp.asarray(theirs.moving_mean))
        assert_close(ours.var, jnp.asarray(theirs.moving_variance))
    np.testing.assert_allclose(ours.eval()(X), theirs(X, training=False), rtol=1e-5, atol=1e-5)
