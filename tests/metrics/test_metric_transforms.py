"""Metrics under transformations, beyond the laws of `tests/conformance/metrics`."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.metrics.examples import METRICS, assert_same_state
from treexlite._errors import CapturedModuleError
from treexlite.metrics import Metric


def update(metric: Metric, batch: dict[str, Any]) -> Metric:
    return metric.update(**batch)


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
