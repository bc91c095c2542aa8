"""A metric means the same eagerly and compiled, and is compiled once."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.metrics.catalogue import (
    SAMPLED,
    MetricRow,
    assert_same_value,
    ids,
    updated,
    value,
)
from treexlite._errors import CapturedModuleError
from treexlite.metrics import Metric


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_eager_and_compiled_agree_and_batches_of_one_shape_are_traced_once(row: MetricRow) -> None:
    traces = []

    def call(metric: Metric, batch: dict[str, Any]) -> Any:
        traces.append(None)
        return metric(**batch)

    pure = jax.jit(lambda metric, batch: (call(metric, batch), metric))
    lifted = tx.jit(call, donate=True)
    eager, changed, returned = row.make(), row.make(), row.make()
    for rows in (slice(0, 4), slice(4, 8)):
        batch = row.batch(rows, weighted=True)
        wanted = eager(**batch)
        found, returned = pure(returned, batch)
        assert_same_value(found, wanted)
        assert_same_value(lifted(changed, batch), wanted)
    assert len(traces) == 2
    for metric in (changed, returned):
        assert_same_value(tx.jit(metric.compute)(), eager.compute())
        tx.jit(metric.reset)()
        assert_same_value(metric(**batch), wanted)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_reset_forgets_in_place(row: MetricRow) -> None:
    metric = updated(row.make(), row.batch())
    assert metric.reset() is metric
    jax.tree.map(np.testing.assert_array_equal, metric.state_dict(), row.make().state_dict())


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_state_is_restored_from_a_state_dict(row: MetricRow) -> None:
    metric, restored = updated(row.make(), row.batch()), row.make()
    restored.load_state_dict(metric.state_dict())
    assert_same_value(value(restored), value(metric))


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_vmap_measures_each_lane_alone(row: MetricRow) -> None:
    lanes = [row.batch(slice(0, 4)), row.batch(slice(4, 8))]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *lanes)
    metric = jax.jit(jax.vmap(lambda batch: row.make().update(**batch)))(stacked)
    merged = row.make()
    for number, lane in enumerate(lanes):
        alone = jax.tree.map(lambda x, number=number: x[number], metric)
        assert_same_value(value(alone), value(updated(row.make(), lane)))
        merged = merged.merge_with(alone)
    assert_same_value(value(merged), value(updated(row.make(), row.batch())))


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_measuring_inside_a_gradient_does_not_change_it(row: MetricRow) -> None:
    metric, batch = row.make(), row.batch()

    @tx.jit
    @tx.grad
    def gradient(scale: jax.Array, metric: Metric) -> jax.Array:
        is_floating = np.asarray(jax.tree.leaves(batch["preds"])[0]).dtype.kind == "f"
        preds = jax.tree.map(lambda x: scale * x, batch["preds"]) if is_floating else batch["preds"]
        metric.update(**{**batch, "preds": preds})
        return jnp.square(scale)

    assert gradient(1.0, metric) == 2
    assert_same_value(value(metric), value(updated(row.make(), batch)))


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_on_selects_from_targets_and_predictions(row: MetricRow) -> None:
    batch = row.batch()
    inside = {
        name: None if batch[name] is None else {"a": np.zeros((5, 5)), "b": (None, batch[name])}
        for name in ("target", "preds")
    }
    selected = updated(row.make(on=("b", 1)), {**batch, **inside})
    assert_same_value(value(selected), value(updated(row.make(), batch)))


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_no_axes_are_broadcast_in_silence(row: MetricRow) -> None:
    with jax.numpy_rank_promotion("raise"):
        compute = lambda batch: row.make().update(**batch).compute()  # noqa: E731
        measured = jax.eval_shape(compute, row.batch(weighted=True))
    assert jax.tree.leaves(measured)


@pytest.mark.parametrize("method", ["update", "__call__"])
@pytest.mark.parametrize("row", [row for row in SAMPLED if row.weighted], ids=ids)
def test_a_batch_that_is_refused_leaves_the_metric_as_it_was(row: MetricRow, method: str) -> None:
    metric = updated(row.make(), row.batch())
    before = metric.state_dict()
    with pytest.raises(
        tx.errors.ShapeError, match="expected `sample_weight` to have the first axes"
    ):
        getattr(metric, method)(**row.batch(), sample_weight=jnp.ones(3))
    jax.tree.map(np.testing.assert_array_equal, metric.state_dict(), before)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_a_captured_metric_refuses_traced_batches(row: MetricRow) -> None:
    metric = row.make()
    with pytest.raises(CapturedModuleError, match="expected field"):
        jax.jit(lambda batch: metric.update(**batch).compute())(row.batch())
    jax.tree.map(np.testing.assert_array_equal, metric.state_dict(), row.make().state_dict())
