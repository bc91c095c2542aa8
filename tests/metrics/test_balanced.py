"""`BalancedAccuracy`: the mean recall of the classes."""

import jax.numpy as jnp
import numpy as np

from treexlite.metrics import BalancedAccuracy

LABELS = np.array([0, 0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 0, 3])  # recalls 3/4, 1/2, 0; class 3 has no examples


def test_each_class_with_examples_counts_alike() -> None:
    np.testing.assert_allclose(BalancedAccuracy(num_classes=4)(LABELS, PREDICTED), 1.25 / 3)
    weights = np.array([1, 1, 1, 1, 5, 5, 0])
    assert BalancedAccuracy(num_classes=4)(LABELS, PREDICTED, weights) == 0.625


def test_chance_is_put_to_zero() -> None:
    metric = BalancedAccuracy(num_classes=4, adjusted=True)
    np.testing.assert_allclose(metric(LABELS, PREDICTED), 0.125, rtol=1e-6)
    assert metric(LABELS, LABELS) == 1
    assert metric(LABELS, np.zeros(7, int)) == 0


def test_one_class_alone_has_no_score_beyond_chance() -> None:
    ones = np.ones(3, int)
    assert BalancedAccuracy()(ones, ones) == 1
    assert jnp.isnan(BalancedAccuracy(adjusted=True)(ones, ones))
