"""Weights by themselves."""

import jax
import jax.numpy as jnp
import pytest

from treexlite._errors import ArgumentError
from treexlite.constraints import ClipWeights, NonNegative, clip_weights, non_negative

X = jnp.array([-2.0, -0.0, 0.005, 3.0])


def test_non_negative() -> None:
    assert NonNegative()(X).tolist() == [0, 0, jnp.float32(0.005), 3]
    assert jax.grad(lambda x: non_negative(x).sum())(X).tolist() == [0, 1, 1, 1]


def test_clipped() -> None:
    limit = jnp.float32(0.01)
    assert ClipWeights()(X).tolist() == [-limit, 0, jnp.float32(0.005), limit]
    assert clip_weights(X, 1.0).tolist() == [-1, 0, jnp.float32(0.005), 1]


def test_the_limit_is_checked() -> None:
    with pytest.raises(ArgumentError, match="ClipWeights: expected `clip_value` to be a finite"):
        ClipWeights(-0.1)
