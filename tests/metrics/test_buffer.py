"""`Buffered`: examples are kept in a buffer of fixed size, and none is lost in silence."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError, DataError, StructureError
from treexlite.metrics._buffer import Buffered

TOO_MANY = (
    "Total: expected at most capacity=4 examples between two calls of `reset`, received more of "
    "them. Raise `capacity`"
)


class Total(Buffered):
    """The weighted sum of target * preds, which tells whether each example was kept once."""

    def per_example(self, target: Any, preds: Any) -> tuple[jax.Array, ...]:
        return jnp.asarray(target), jnp.asarray(preds)

    def of_examples(self, rows: jax.Array, weights: jax.Array) -> jax.Array:
        return jnp.sum(weights * rows[:, 0] * rows[:, 1])


def total(*preds: float, weights: Any = None) -> Total:
    return Total(4).update(jnp.full(len(preds), 2), jnp.array(preds), weights)


def test_examples_of_several_batches_are_kept_in_their_columns() -> None:
    metric = total(1.0, 3.0)
    metric.update(np.array([[5]]), np.array([[7]]), np.array([0.5]))
    np.testing.assert_array_equal(metric.rows, [[2, 1], [2, 3], [5, 7], [0, 0]])
    np.testing.assert_array_equal(metric.weights, [1, 1, 0.5, 0])
    assert metric.filled == 3
    assert metric.compute() == 2 + 6 + 17.5


def test_examples_of_weight_zero_take_no_room() -> None:
    weights = jnp.array([0, 1, 0, 1, 0, 2, 1])
    metric = total(1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, weights=weights)
    assert metric.filled == 4
    assert metric.compute() == 2 * (2 + 8 + 2 * 32 + 64)


def test_a_full_buffer_is_no_error() -> None:
    assert total(1.0, 2.0).merge_with(total(3.0, 4.0)).compute() == 20


def test_too_many_examples_are_refused_and_leave_the_metric_as_it_was() -> None:
    metric = total(1.0, 2.0, 3.0)
    before = metric.state_dict()
    for add in (metric.update, metric.__call__):
        with pytest.raises(DataError, match=TOO_MANY):
            add(jnp.ones(2), jnp.ones(2))
    with pytest.raises(DataError, match=TOO_MANY):
        metric.merge_with(total(1.0, 2.0))
    jax.tree.map(np.testing.assert_array_equal, metric.state_dict(), before)


@pytest.mark.parametrize("sizes", [(3, 2), (5,), (4, 4, 4)])
def test_too_many_examples_in_a_compiled_step_give_nan_until_reset(sizes: tuple[int, ...]) -> None:
    metric = Total(4)
    update = tx.jit(lambda metric, x: metric.update(x, x))
    for size in sizes:
        update(metric, jnp.ones(size))
    assert jnp.isnan(tx.jit(metric.compute)())
    with pytest.raises(DataError, match=TOO_MANY):
        metric.compute()
    with pytest.raises(DataError, match=TOO_MANY):
        metric.update(jnp.ones(1), jnp.ones(1))
    assert metric.reset().update(jnp.ones(1), jnp.ones(1)).compute() == 1


def test_an_overflow_is_passed_on_by_merging() -> None:
    full = jax.jit(lambda x: Total(4).update(x, x))(jnp.ones(5))
    for merge in (lambda a, b: a.merge_with(b), lambda a, b: b.merge_with(a)):
        with pytest.raises(DataError, match=TOO_MANY):
            merge(Total(4), full)
        assert jnp.isnan(jax.jit(lambda a, b, merge=merge: merge(a, b).compute())(Total(4), full))


def test_metrics_of_unequal_capacity_do_not_merge() -> None:
    with pytest.raises(StructureError, match="expected metrics built like this one"):
        Total(4).merge_with(Total(5))


@pytest.mark.parametrize("capacity", [0, -1, 2.5, None, True])
def test_a_capacity_is_a_number_of_examples(capacity: Any) -> None:
    message = "Total: expected `capacity`, .* whole number above 0, received capacity="
    with pytest.raises(ArgumentError, match=message):
        Total(capacity)
