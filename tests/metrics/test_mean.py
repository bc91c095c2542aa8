"""`Mean`: the weighted mean of values."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError
from treexlite.metrics import Mean


def test_examples_count_equally_whatever_their_batch() -> None:
    mean = Mean()
    mean.update(values=jnp.zeros(9))
    mean.update(values=jnp.array([10.0]))
    assert mean.compute() == 1  # the mean of the means of the batches is 5


def test_values_may_be_given_as_predictions() -> None:
    assert Mean()(preds=jnp.array([1.0, 3.0])) == Mean()(values=jnp.array([1.0, 3.0])) == 2
    assert Mean()(target=jnp.zeros(2), preds=jnp.array([1.0, 3.0])) == 2


def test_without_values_it_is_refused() -> None:
    message = "Mean: expected values to take the mean of, received neither `values` nor `preds`"
    with pytest.raises(ArgumentError, match=message):
        Mean()(target=jnp.ones(2))


@pytest.mark.parametrize("values", [2, 2.0, np.float64(2), [1, 3], np.array([True, True]) * 2])
def test_values_may_be_numbers_lists_and_integers(values: Any) -> None:
    assert Mean()(values=values) == 2


def test_weights_count_each_value_of_an_example() -> None:
    values = jnp.array([[1.0, 3.0], [10.0, 20.0]])
    mean = Mean()
    assert mean(values=values, sample_weight=jnp.array([3, 1])) == (3 * 4 + 30) / 8
    np.testing.assert_array_equal(mean.count, [8, 0])
    assert Mean()(values=values, sample_weight=jnp.array([[1, 0], [0, 0.5]])) == 11 / 1.5


def test_a_formula_without_a_value_at_zero_does_not_bring_the_absent_back() -> None:
    class MeanLog(Mean):
        def per_example(self, target: Any, preds: Any) -> jax.Array:
            return jnp.log(preds)

    assert MeanLog()(preds=jnp.array([0.5, 1.0]), sample_weight=jnp.array([0, 1])) == 0


@pytest.mark.parametrize("weights", [np.array([0.5, 0.25]), jnp.array([2, 1], jnp.uint8)])
def test_weights_of_integer_values_are_not_truncated(weights: Any) -> None:
    assert Mean()(values=jnp.array([6, 9]), sample_weight=weights) == 7


def test_many_examples_are_counted_one_by_one() -> None:
    start = 2**24 - 2
    mean = Mean()
    mean.total = mean.count = jnp.array([start, 0], jnp.float32)
    update = tx.jit(lambda mean: mean.update(values=jnp.ones(1)))
    for _ in range(5):
        update(mean)
    assert np.asarray(mean.count, np.float64).sum() == start + 5
    assert np.asarray(mean.total, np.float64).sum() == start + 5
    assert mean.compute() == 1


def test_small_values_are_not_lost_beside_a_large_sum() -> None:
    mean = Mean()
    mean.total, mean.count = jnp.array([2.0**26, 0]), jnp.array([1.0, 0])
    for _ in range(64):
        mean.update(values=jnp.array(0.5))
    assert np.asarray(mean.total, np.float64).sum() == 2**26 + 32


def test_infinities_and_nans_are_not_hidden() -> None:
    assert Mean()(values=jnp.array([1.0, jnp.inf])) == jnp.inf
    assert jnp.isnan(Mean()(values=jnp.array([1.0, jnp.nan])))


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_is_summed_in_more(dtype: Any) -> None:
    values = jnp.full(4099, 0.25, dtype)
    assert Mean()(values=values) == 0.25
