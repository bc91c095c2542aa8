"""`BrierScore`: the squared error of probabilities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError
from treexlite.metrics import BrierScore


def test_two_classes_are_scored_once_and_more_in_sum() -> None:
    chances, labels = jnp.array([0.25, 0.5]), jnp.array([0, 1])
    wanted = (0.25**2 + 0.5**2) / 2
    assert BrierScore()(labels, chances) == wanted
    assert BrierScore()(labels, jnp.stack([1 - chances, chances], -1)) == wanted
    three = jnp.array([[0.5, 0.25, 0.25]])
    assert BrierScore()(jnp.array([2]), three) == 0.25 + 0.0625 + 0.75**2
    assert BrierScore()(jnp.eye(3)[2:], three) == BrierScore()(jnp.array([2]), three)


def test_logits_become_probabilities() -> None:
    logits, labels = jnp.array([[1.0, 2.0, 0.5]]), jnp.array([1])
    value = BrierScore(from_logits=True)(labels, logits)
    np.testing.assert_allclose(value, BrierScore()(labels, jax.nn.softmax(logits)), rtol=1e-6)


def test_what_is_outside_its_range_is_refused_or_nan_when_traced() -> None:
    batch = jnp.array([0, 1]), jnp.array([0.5, 3.0])
    with pytest.raises(RangeError, match="BrierScore: expected probabilities, from 0 to 1"):
        BrierScore()(*batch)
    assert jnp.isnan(jax.jit(lambda *x: BrierScore()(*x))(*batch))
    with pytest.raises(ArgumentError, match="BrierScore: expected both `target` and `preds`"):
        BrierScore()(preds=jnp.ones(2))
