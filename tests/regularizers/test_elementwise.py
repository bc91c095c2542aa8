"""L1, L2 and both: formulas, and gradients where a weight is 0."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from treexlite.regularizers import L1, L1L2, L2, l1, l1_l2, l2

X = jnp.array([[2.0, 0.0], [-3.0, 1.0]])


def test_formulas() -> None:
    assert l1(X, 0.5) == 3
    assert l2(X, 0.5) == 7
    assert l1_l2(X, 0.5, 2.0) == 3 + 28
    assert l2(X) == pytest.approx(0.14)
    assert L1()(X) == l1(X)
    assert L2()(X) == l2(X)


def test_weights_of_zero_are_not_pushed() -> None:
    np.testing.assert_array_equal(jax.grad(l1)(X, 0.5), [[0.5, 0], [-0.5, 0.5]])
    np.testing.assert_array_equal(jax.grad(l1_l2)(X, 0.5, 0.0), [[0.5, 0], [-0.5, 0.5]])
    np.testing.assert_array_equal(jax.grad(l2)(X, 0.5), X)


def test_either_part_may_be_left_out() -> None:
    assert (L1L2().l1, L1L2().l2) == (0.01, 0.01)
    assert (L1L2(0.5).l1, L1L2(0.5).l2) == (0.5, 0.0)
    assert (L1L2(l2=0.5).l1, L1L2(l2=0.5).l2) == (0.0, 0.5)
    assert L1L2(0.5)(X) == l1(X, 0.5)
    assert L1L2(l2=0.5)(X) == l2(X, 0.5)
    assert L1L2(0, 0)(X) == 0


def test_integers_are_numbers() -> None:
    assert l2(np.array([1, 2]), 1) == 5
    assert l2([1.0, 2.0], 1).dtype == jnp.float32


def test_the_weight_decay_of_sgd_is_twice_the_strength() -> None:
    decay = optax.add_decayed_weights(0.1)
    updates, _ = decay.update(jnp.zeros_like(X), decay.init(X), X)
    np.testing.assert_allclose(updates, jax.grad(l2)(X, 0.05), rtol=1e-6)
