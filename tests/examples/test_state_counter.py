"""examples/state/counter.py: 1, 2, 3, whatever holds the number."""

from collections.abc import Callable
from typing import Any

import jax
import pytest

import treexlite as tx
from tests.examples.scripts import load

example = load("state/counter")
BOTH = pytest.mark.parametrize("make", [example.Counter, example.PlainCounter])


@BOTH
def test_it_counts_eagerly(make: Callable[[], Any]) -> None:
    counter = make()
    assert [int(counter.count()) for _ in range(3)] == [1, 2, 3]
    assert int(counter.n) == 3


@BOTH
def test_it_counts_compiled(make: Callable[[], Any]) -> None:
    counter = make()
    fast_count = tx.jit(counter.count)
    seen = [(int(fast_count()), int(counter.n)) for _ in range(3)]
    assert seen == [(1, 1), (2, 2), (3, 3)]


@BOTH
def test_eager_and_compiled_calls_mix(make: Callable[[], Any]) -> None:
    counter = make()
    fast_count = tx.jit(counter.count)
    assert [int(fast_count()), int(counter.count()), int(fast_count())] == [1, 2, 3]


def test_a_state_node_stays_an_array_and_a_plain_int_stays_an_int() -> None:
    counter, plain = example.Counter(), example.PlainCounter()
    tx.jit(counter.count)()
    tx.jit(plain.count)()
    assert isinstance(counter.n, jax.Array)
    assert type(plain.n) is int


def test_a_state_node_compiles_once_and_a_plain_int_at_every_number() -> None:
    traces = []
    for counter in (example.Counter(), example.PlainCounter()):
        fast_count = tx.jit(counter.count)
        for _ in range(3):
            fast_count()
        traces.append(fast_count.cache_size())
    assert traces == [1, 3]


def test_two_counters_do_not_know_each_other() -> None:
    first, second = example.Counter(), example.Counter()
    tx.jit(first.count)()
    assert (int(first.n), int(second.n)) == (1, 0)
