"""`benchmarks/metrics.py` runs; metrics and the optimizer cost what they cost by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.benchmarks.scripts import load

metrics = load("metrics")


def test_the_tables_have_all_contenders(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.main(["--rounds", "1", "--calls", "1", "--depth", "1"])
    printed = capsys.readouterr().out
    for title in ("train step", *metrics.NAIVE):
        table = printed.split(f"\n{title} ")[1].split("\n\n")[0]
        assert all(f"  {name}" in table for name in ("by hand, exact sums", "tx.metrics"))
    assert printed.count("  tx.Optimizer ") == 2


@pytest.fixture(scope="module")
def steps() -> dict[str, Any]:
    return {name: metrics.cost(program) for name, program in metrics.train_steps().items()}


def test_metrics_in_a_train_step_have_no_more_arithmetic_than_by_hand(steps: Any) -> None:
    ours, exact = steps["tx.metrics"], steps["by hand, exact sums"]
    assert ours.written <= exact.written
    assert ours.compiled <= exact.compiled
    assert ours.written > steps["no metrics"].written


def test_metrics_add_two_arrays_each_and_never_leave_the_device(steps: Any) -> None:
    assert steps["tx.metrics"].outputs == steps["no metrics"].outputs + 2 * len(metrics.NAIVE)
    assert steps["tx.metrics"].outputs == steps["by hand, float32 sums"].outputs
    assert {cost.transfers for cost in steps.values()} == {0}


def test_transfers_are_seen() -> None:
    def talks(x: jax.Array) -> jax.Array:
        jax.debug.callback(lambda x: None, x)
        return x + 1

    assert metrics.transfers(jax.jit(talks).lower(1.0).as_text()) > 0


@pytest.mark.parametrize("name", metrics.NAIVE)
def test_an_update_costs_what_exact_sums_cost(name: str) -> None:
    found = {who: metrics.cost(program) for who, program in metrics.updates(name).items()}
    ours, exact = found["tx.metrics"], found["by hand, exact sums"]
    assert ours.written <= exact.written
    assert ours.outputs == exact.outputs == 2


def test_a_call_does_the_work_of_an_update_once() -> None:
    x, y = metrics.batch()
    preds = metrics.network()(x)
    cross_entropy = tx.losses.CrossEntropy()
    for make in (
        tx.metrics.Accuracy,
        lambda: tx.metrics.Metrics([tx.metrics.Accuracy(), tx.metrics.Mean()]),
        lambda: tx.metrics.LossAndLogs(cross_entropy, tx.metrics.Accuracy()),
    ):
        update = tx.jit(lambda metric, y, preds: metric.update(y, preds).compute())
        call = tx.jit(lambda metric, y, preds: (metric(y, preds), metric.compute()))
        updated, called = (f.lower(make(), y, preds).cost_analysis() for f in (update, call))
        assert updated["flops"] < called["flops"] < updated["flops"] + metrics.BATCH / 2


def test_all_contenders_measure_the_same() -> None:
    (x, y), names = metrics.batch(), list(metrics.NAIVE)
    preds = metrics.network()(x)
    ours = metrics.our_metrics(names)
    metrics.our_update(ours, y, preds)
    naive = metrics.naive_update(metrics.naive_start(), names, y, preds)
    exact = metrics.exact_update(metrics.exact_start(), names, y, preds)
    for name, value in ours.compute().items():
        np.testing.assert_allclose(jnp.divide(*naive[name]), value, rtol=1e-5)
        total, count = exact[name]
        np.testing.assert_allclose(total.sum() / count.sum(), value, rtol=1e-6)


def test_the_optimizer_adds_nothing_to_optax() -> None:
    found = {name: metrics.cost(program) for name, program in metrics.optimizers().items()}
    assert found["tx.Optimizer"].written == found["raw optax"].written
    assert found["tx.Optimizer"].transfers == 0
    # one output more: the count of steps is returned and written
    assert found["tx.Optimizer"].outputs <= found["raw optax"].outputs + 1
    raw, state = metrics.raw_optimizer()
    ours, (model, optimizer) = metrics.our_optimizer()
    ours(model, optimizer)
    held, (plain, opt_state) = metrics.held_optimizer()
    held(plain, opt_state)
    for path, value in raw(state)[0].items():
        np.testing.assert_allclose(model.state_dict()[path], value, rtol=1e-6)
        np.testing.assert_allclose(plain.state_dict()[path], value, rtol=1e-6)
