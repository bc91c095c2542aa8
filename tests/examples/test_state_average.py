"""examples/state/average.py: the running average is NumPy's, eagerly and compiled."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.examples.scripts import load

example = load("state/average")


def eager(method: Callable[..., Any]) -> Callable[..., Any]:
    return method


@pytest.mark.parametrize("transform", [eager, tx.jit])
def test_each_average_is_that_of_all_values_so_far(transform: Callable[..., Any]) -> None:
    average = example.Average()
    means = example.running_averages(transform(average.update))
    values = example.batches()
    expected = [np.concatenate(values[: n + 1]).mean() for n in range(len(values))]
    np.testing.assert_allclose(means, expected, rtol=1e-6)
    assert int(average.count) == sum(map(len, values)) == 15
    np.testing.assert_allclose(average.total, np.concatenate(values).sum(), rtol=1e-6)


def test_eager_and_compiled_end_in_the_same_state() -> None:
    first, second = example.Average(), example.Average()
    assert example.running_averages(first.update) == pytest.approx(
        example.running_averages(tx.jit(second.update)), rel=1e-6
    )
    assert int(first.count) == int(second.count)
    np.testing.assert_allclose(first.total, second.total, rtol=1e-6)


def test_the_method_is_traced_once_for_each_size_of_batch() -> None:
    update = tx.jit(example.Average().update)
    example.running_averages(update)
    example.running_averages(update)
    assert update.cache_size() == len(set(map(len, example.batches()))) == 2
