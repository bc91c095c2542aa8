"""`ScoreHistogram`: labels are counted in bins of their probability."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError
from treexlite.metrics import AUC, AveragePrecision
from treexlite.metrics._histograms import predicted


def test_an_edge_belongs_to_the_bin_below_and_zero_to_the_first() -> None:
    metric = AUC(5)  # thresholds 0, 1/4, 1/2, 3/4, 1
    chances = jnp.array([0.0, 0.25, 0.26, 0.5, 1.0])
    metric.update(jnp.array([1, 1, 1, 0, 0]), chances)
    np.testing.assert_array_equal(metric.positives[0], [2, 1, 0, 0, 0])
    np.testing.assert_array_equal(metric.negatives[0], [0, 1, 0, 1, 0])
    np.testing.assert_array_equal(predicted(metric.positives), [3, 1, 0, 0, 0])
    np.testing.assert_array_equal(predicted(metric.negatives), [2, 2, 1, 1, 0])


def test_counts_are_exact_beyond_what_a_float_holds() -> None:
    metric = AUC(3)
    metric.positives = jnp.array([[2**24, 0, 0], [0, 0, 0]], jnp.float32)
    metric.update(jnp.array([1]), jnp.array([0.0]))
    assert np.asarray(metric.positives, np.float64).sum() == 2**24 + 1


@pytest.mark.parametrize("make", [AUC, AveragePrecision])
def test_logits_for_probabilities_are_refused_or_nan_when_traced(make: type[AUC]) -> None:
    labels, logits = jnp.array([0, 1, 1]), jnp.array([-2.0, 0.5, 3.0])
    with pytest.raises(RangeError, match=f"{make.__name__}: expected probabilities, from 0 to 1"):
        make()(labels, logits)
    assert jnp.isnan(jax.jit(lambda *x: make()(*x))(labels, logits))
    assert make(from_logits=True)(labels, logits) == make()(labels, jax.nn.sigmoid(logits)) == 1


@pytest.mark.parametrize("number", [1, 2.5, None])
def test_there_are_two_thresholds_at_least(number: int) -> None:
    message = "AUC: expected `num_thresholds` to be a whole number, at least 2, received"
    with pytest.raises(ArgumentError, match=message):
        AUC(number)
