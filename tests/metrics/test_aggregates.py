"""`Sum`, `Min` and `Max`."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite.metrics import Max, Min, Sum


def test_a_sum_counts_beyond_the_digits_of_float32() -> None:
    total = Sum()
    total.total = jnp.array([2.0**24, 0])
    for _ in range(3):
        total.update(values=jnp.ones(1))
    assert np.asarray(total.total, np.float64).sum() == 2**24 + 3


def test_a_sum_is_weighted_by_example() -> None:
    values = jnp.array([[1.0, 2.0], [3.0, 4.0]])
    assert Sum()(values=values, sample_weight=jnp.array([2, 0.5])) == 6 + 3.5


@pytest.mark.parametrize(("metric", "wanted"), [(Min, -4), (Max, 3)])
def test_extremes_over_batches_without_the_absent(metric: type[Max], wanted: float) -> None:
    extreme = metric()
    extreme.update(values=jnp.array([1, -4, -9]), sample_weight=jnp.array([0.5, 2, 0]))
    extreme.update(values=jnp.array([[3, 2], [99, 0]]), sample_weight=jnp.array([1, 0]))
    assert extreme.compute() == wanted


@pytest.mark.parametrize("metric", [Min, Max])
def test_a_batch_of_the_absent_changes_nothing(metric: type[Max]) -> None:
    extreme = metric().update(values=jnp.array([jnp.nan]), sample_weight=jnp.array([0]))
    assert jnp.isnan(extreme.compute())
    assert extreme.update(values=jnp.array([7.0])).compute() == 7


@pytest.mark.parametrize("metric", [Min, Max])
def test_a_nan_is_not_hidden(metric: type[Max]) -> None:
    extreme = metric().update(values=jnp.array([1.0, jnp.nan]))
    assert jnp.isnan(extreme.update(values=jnp.array([2.0])).compute())


@pytest.mark.parametrize(("metric", "value"), [(Min, jnp.inf), (Max, -jnp.inf)])
def test_infinity_is_a_value(metric: type[Max], value: float) -> None:
    assert metric()(values=jnp.array([value])) == value
