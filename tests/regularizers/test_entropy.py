"""Entropies of rows, from scores and from probabilities."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.regularizers import Entropy, entropy

SCORES = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
P = np.exp(SCORES) / np.exp(SCORES).sum(-1, keepdims=True)


def test_the_mean_entropy_of_rows() -> None:
    expected = -(P * np.log(P)).sum(-1).mean()
    np.testing.assert_allclose(entropy(SCORES, 2.0), 2 * expected, rtol=1e-5)
    np.testing.assert_allclose(entropy(P, 2.0, from_logits=False), 2 * expected, rtol=1e-5)
    np.testing.assert_allclose(entropy(SCORES.T, 1.0, axis=0), expected, rtol=1e-5)


def test_it_lies_between_none_and_the_log_of_the_number() -> None:
    np.testing.assert_allclose(entropy(jnp.zeros((2, 5)), 1.0), np.log(5), rtol=1e-6)
    assert entropy(100 * jnp.eye(3), 1.0) < 1e-6
    assert entropy(jnp.eye(3), 1.0, from_logits=False) == 0


@pytest.mark.parametrize("row", [[0.0, -jnp.inf, 1.0], [1e4, 0.0, -1e4]], ids=["hidden", "certain"])
def test_scores_at_the_ends_have_finite_gradients(row: Any) -> None:
    value, gradient = jax.value_and_grad(entropy)(jnp.array([row]))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_a_negative_strength_rewards_indecision() -> None:
    gradient = jax.grad(lambda x: entropy(x, -1.0))(jnp.array([1.0, 0.0]))
    assert gradient[0] > 0 > gradient[1]  # descent makes them equal
    assert Entropy(-1.0)(SCORES) < 0


@pytest.mark.parametrize("axis", [None, (0, 1), 0.5])
def test_there_is_one_axis(axis: Any) -> None:
    with pytest.raises(ArgumentError, match="Entropy: expected `axis` to be "):
        Entropy(axis=axis)


def test_an_axis_that_is_not_there_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"entropy: expected an array with the axis axis=2, rec"):
        entropy(SCORES, axis=2)
    with pytest.raises(ShapeError, match="axis=-1"):
        entropy(1.0)
