"""A compiled step costs what the same step costs when it is written by hand in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Scale
from tests.benchmarks.scripts import load

memory = load("memory")


@pytest.fixture(scope="module")
def costs() -> Any:
    return memory.costs(memory.NETWORKS["norm and dropout"])


@pytest.mark.parametrize(
    ("ours", "by_hand"), [("tx.jit(donate=True)", "raw JAX, donated"), ("tx.jit", "raw JAX")]
)
def test_a_train_step_computes_and_holds_what_one_written_by_hand_does(
    costs: Any, ours: str, by_hand: str
) -> None:
    assert 0.99 * costs[by_hand].written < costs[ours].written <= costs[by_hand].written
    # the compiler repeats a handful of scalar operations in more or fewer fusions
    assert costs[ours].flops <= (1 + 1e-6) * costs[by_hand].flops
    assert costs[ours].temporary <= 1.02 * costs[by_hand].temporary
    assert costs[ours].peak <= 1.001 * costs[by_hand].peak


def _lowered(step: Any, *arguments: Any) -> Any:
    return tx.jit(step).lower(*arguments)


def _output_shapes(lowered: Any) -> list[tuple[int, ...]]:
    return sorted(leaf.shape for leaf in jax.tree_util.tree_leaves(lowered.out_info))


class Pair(tx.Module):
    def __init__(self) -> None:
        self.one, self.two = Scale(jnp.ones(100)), Scale(jnp.ones(10))


def _move_two(pair: Pair) -> None:
    pair.two.w = pair.two.w * 2 + pair.one.w[:10]


def _write_back(pair: Pair) -> None:
    kept = pair.one.w
    pair.one.w = kept * 2
    pair.one.w = kept
    _move_two(pair)


def _return_the_module(pair: Pair) -> Pair:
    _move_two(pair)
    return pair


@pytest.mark.parametrize("step", [_move_two, _write_back, _return_the_module])
def test_an_array_that_does_not_change_is_no_output(step: Any) -> None:
    lowered = _lowered(step, Pair())
    assert _output_shapes(lowered) == [(10,)]
    assert lowered.compile().memory_analysis().output_size_in_bytes == 4 * 10


def test_a_frozen_part_is_no_output_of_a_train_step() -> None:
    model = tx.nn.Sequential(tx.nn.Linear(20), tx.nn.BatchNorm(), tx.nn.Linear(3))
    model = model.init(0, jnp.ones((2, 4)))
    model.layers[0].freeze(inplace=True), model.layers[1].freeze(inplace=True)
    optimizer = tx.Optimizer(memory.raw.optax.sgd(0.1)).init(model)

    def step(model: Any, optimizer: tx.Optimizer, x: jax.Array) -> None:
        grads = tx.grad(lambda model, x: jnp.square(model(x)).sum())(model, x)
        optimizer.update(grads, model)

    lowered = _lowered(step, model, optimizer, jnp.ones((2, 4)))
    assert _output_shapes(lowered) == [(), (3,), (20, 3)]  # the count of steps, bias and kernel


def test_an_array_that_is_not_used_is_no_input() -> None:
    def step(pair: Pair) -> None:
        pair.two.w = pair.two.w * 2

    memory = _lowered(step, Pair()).compile().memory_analysis()
    assert memory.argument_size_in_bytes == 4 * 10
