"""Running means by name, with values that can be differentiated."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from treexlite.metrics._fractions import Fractions, num_examples


class Ratio(Fractions):
    """Sums of predictions over numbers of them, under two names."""

    def __init__(self, names: tuple[str, ...] = ("z", "a")) -> None:
        self.names = names
        self.calls = 0
        super().__init__()

    def fractions(self, target: Any, preds: Any, sample_weight: Any) -> Sequence[tuple[Any, Any]]:
        self.calls += 1
        return [(jnp.sum(preds) * (i + 1), preds.size * i) for i, _ in enumerate(self.names)]


def test_names_keep_their_numbers_through_transformations() -> None:
    metric = Ratio()
    for _ in range(2):
        jax.tree.map(lambda x: x, metric)
        tx.jit(lambda metric: metric.update(values=jnp.array([3.0, 5.0])))(metric)
    value = jax.jit(lambda metric: metric.compute())(metric)
    assert value["a"] == 2 * 8 / 2
    assert jnp.isnan(value["z"])  # it never counted


def test_a_batch_without_anything_that_counts_is_zero_and_not_nan() -> None:
    # The total of "z" is divided by 1: a loss over absent examples is 0 over 0.
    assert Ratio()(values=jnp.zeros(2)) == {"z": 0.0, "a": 0.0}


def test_the_value_of_a_batch_has_a_gradient_and_the_sums_have_none() -> None:
    @tx.grad
    def gradient(preds: jax.Array, metric: Ratio) -> jax.Array:
        batch = metric(values=preds)["a"]
        return batch + metric.compute()["a"]

    metric = Ratio()
    assert gradient(jnp.array([3.0, 5.0]), metric).tolist() == [1, 1]
    assert metric.compute()["a"] == 8


def test_a_call_does_the_work_once() -> None:
    metric = Ratio()
    metric(values=jnp.ones(2))
    assert metric.calls == 1


def test_there_may_be_no_names() -> None:
    metric = Ratio(())
    assert metric(values=jnp.ones(2)) == metric.compute() == {}


@pytest.mark.parametrize(
    ("trees", "number"),
    [((), 1), ((None, 2.0), 1), ((jnp.array(1.0), {"a": jnp.zeros((3, 2))}), 3)],
)
def test_examples_are_counted_by_the_first_axis(trees: tuple[Any, ...], number: int) -> None:
    assert num_examples(*trees) == number
