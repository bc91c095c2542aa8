"""Metrics under transformations: compiled, mapped, inside gradients, donated, captured."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

import treexlite as tx
from tests.metrics.examples import CLASSES, METRICS, assert_same_state, batches, data
from treexlite._errors import CapturedModuleError
from treexlite.metrics import Metric


def call(metric: Metric, batch: dict[str, Any]) -> Any:
    return metric(**batch), metric


def update(metric: Metric, batch: dict[str, Any]) -> Metric:
    return metric.update(**batch)


@pytest.mark.parametrize("jitted", [jax.jit(call), tx.jit(call)], ids=["jax.jit", "tx.jit"])
@pytest.mark.parametrize("make", METRICS)
@given(examples=data())
def test_eager_and_jitted_agree(jitted: Any, make: Any, examples: Any) -> None:
    eager, traced = make(), make()
    for batch in batches(examples):
        value, traced = jitted(traced, batch)
        # XLA multiplies by the reciprocal of a constant count, which rounds once more.
        np.testing.assert_allclose(value, eager(**batch), rtol=2e-7)
        assert_same_state(traced, eager)


@pytest.mark.parametrize("make", METRICS)
def test_a_jitted_method_changes_the_metric_itself(make: Any) -> None:
    batch = {"target": jnp.array([0, 1]), "preds": jnp.eye(2)}
    metric, wanted = make(), make().update(**batch).update(**batch)
    fast = tx.jit(metric.update)
    assert fast(**batch) is metric
    fast(**batch)
    assert_same_state(metric, wanted)
    assert tx.jit(metric.compute)() == wanted.compute()
    tx.jit(metric.reset)()
    assert_same_state(metric, make())


@pytest.mark.parametrize("make", METRICS)
def test_batches_of_one_shape_are_traced_once(make: Any) -> None:
    traces = []

    @jax.jit
    def step(metric: Metric, batch: dict[str, Any]) -> Metric:
        traces.append(batch)
        metric(**batch)
        return metric

    metric = make()
    for _ in range(3):
        metric = step(metric, {"target": jnp.array([0, 1]), "preds": jnp.eye(2)})
        metric = metric.merge_with(make()) if len(traces) == 2 else metric
    metric = step(metric.reset(), {"target": jnp.array([0, 1]), "preds": jnp.eye(2)})
    assert len(traces) == 1


@pytest.mark.parametrize("make", METRICS)
def test_all_state_may_be_donated(make: Any) -> None:
    metric = jax.jit(update, donate_argnums=0)(
        make(), {"target": jnp.array([0, 1]), "preds": jnp.eye(2)}
    )
    assert jnp.isfinite(metric.compute())


@pytest.mark.parametrize("make", METRICS)
def test_vmap_measures_each_lane_alone(make: Any) -> None:
    rng = np.random.default_rng(0)
    lanes = [
        {"target": rng.integers(0, CLASSES, 4), "preds": rng.normal(size=(4, CLASSES))}
        for _ in range(2)
    ]
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *lanes)
    metric = jax.vmap(lambda batch: make().update(**batch))(stacked)
    merged = make()
    for number, lane in enumerate(lanes):
        alone = jax.tree.map(lambda x, number=number: x[number], metric)
        assert_same_state(alone, make().update(**lane))
        merged = merged.merge_with(alone)
    np.testing.assert_allclose(merged.compute(), np.mean(jax.vmap(lambda m: m.compute())(metric)))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("make", METRICS)
def test_measuring_inside_a_gradient_does_not_change_it(make: Any, compiled: bool) -> None:
    target, x = jnp.array([0, 1]), jnp.array([[1.0, 2.0], [3.0, -1.0]])
    weights = jnp.array([1.0, 2.0])

    def loss(scale: jax.Array, metric: Metric) -> jax.Array:
        metric.update(target, scale * x, weights)
        return jnp.square(scale * x).sum()

    def pure_loss(scale: jax.Array, metric: Metric) -> tuple[jax.Array, Metric]:
        return jnp.square(scale * x).sum(), metric.copy().update(target, scale * x, weights)

    wanted = make().update(target, 2 * x, weights)
    gradient, pure_gradient = tx.grad(loss), jax.grad(pure_loss, has_aux=True)
    if compiled:
        gradient, pure_gradient = tx.jit(gradient), jax.jit(pure_gradient)

    metric = make()
    assert gradient(2.0, metric) == 60
    assert_same_state(metric, wanted)
    value, metric = pure_gradient(2.0, make())
    assert value == 60
    assert_same_state(metric, wanted)


@pytest.mark.parametrize("make", METRICS)
def test_a_captured_metric_refuses_traced_batches(make: Any) -> None:
    metric = make()
    with pytest.raises(CapturedModuleError, match=rf"{make.__name__}: expected field `total`"):
        jax.jit(lambda preds: metric.update(jnp.array([0, 1]), preds).compute())(jnp.eye(2))
    assert_same_state(metric, make())
