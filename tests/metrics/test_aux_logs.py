"""`AuxMetrics` and `AuxLosses`: running means of what models log."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError, NotInitializedError, StructureError
from treexlite.metrics import AuxLosses, AuxMetrics


class Logged(tx.Module):
    """Adds its weight as a penalty, and logs the values that it saw."""

    w: jax.Array = tx.Parameter.node()
    penalty: jax.Array = tx.LossLog.node()
    seen: jax.Array = tx.MetricLog.node()

    def __init__(self, w: float) -> None:
        self.w = jnp.array(w)
        self.penalty = self.seen = jnp.array(0.0)

    def __call__(self, x: jax.Array) -> jax.Array:
        self.penalty, self.seen = self.w, x
        return x


def test_logs_of_one_name_in_two_layers_both_count() -> None:
    model = tx.nn.Sequential(Logged(2.0), Logged(3.0))
    aux = AuxLosses(model)
    model(jnp.ones(2))
    assert aux(values=model) == {"penalty": 2.0, "penalty_1": 3.0}
    assert aux.total_loss() == 5


def test_numbers_count_for_their_examples_and_arrays_by_value() -> None:
    model = Logged(2.0)
    losses, logs = AuxLosses(model), AuxMetrics(model)
    for x, w in (jnp.array([1.0, 2.0, 3.0]), 2.0), (jnp.array([10.0]), 6.0):
        model.w = jnp.array(w)
        model(x)
        losses.update(x, values=model)
        logs.update(x, values=model)
    assert losses.compute() == {"penalty": (3 * 2 + 6) / 4}
    assert logs.compute() == {"seen": 16 / 4}


def test_weights_count_values_and_not_numbers() -> None:
    weights = jnp.array([3.0, 0.0])
    logs = AuxMetrics(["a", "b"])
    logs.update(values={"a": jnp.array([1.0, jnp.nan]), "b": 1.0}, sample_weight=weights)
    logs.update(values={"a": jnp.array([5.0]), "b": 4.0}, sample_weight=jnp.array([1.0]))
    assert logs.compute() == {"a": 2.0, "b": 2.0}


def test_what_a_batch_does_not_log_does_not_count() -> None:
    aux = AuxLosses(["a", "b"])
    assert aux(values={"a": 2.0}) == {"a": 2.0, "b": 0.0}
    assert jnp.isnan(aux.compute()["b"])
    assert aux.total_loss() == 2
    aux.update(values={"a": 4.0, "b": 1.0})
    assert aux.compute() == {"a": 3.0, "b": 1.0}


def test_the_values_of_a_batch_have_a_gradient() -> None:
    model = tx.nn.Sequential(Logged(2.0), Logged(3.0))
    aux = AuxLosses(model)

    @tx.jit
    @tx.grad
    def gradient(w: jax.Array, model: Any, aux: AuxLosses) -> jax.Array:
        model.layers[1].w = w
        model(jnp.ones(2))
        return sum(aux(values=model).values(), jnp.zeros(()))

    assert gradient(7.0, model, aux) == 1
    assert aux.total_loss() == 9


def test_a_model_without_logs_has_none() -> None:
    aux = AuxLosses(tx.nn.Linear(2).init(0, jnp.ones((1, 2))))
    assert aux(values=tx.nn.Linear(2).init(0, jnp.ones((1, 2)))) == aux.compute() == {}
    assert aux.total_loss() == 0


def test_the_model_must_be_initialized() -> None:
    with pytest.raises(NotInitializedError, match="AuxLosses: expected an initialized model"):
        AuxLosses(tx.nn.Linear(2))


@pytest.mark.parametrize("wrong", [None, "penalty", [1], 3])
def test_names_are_needed(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="AuxMetrics: expected a model, a dict of values, or a"):
        AuxMetrics(wrong)


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ArgumentError, match="AuxMetrics: expected each name once, received names"):
        AuxMetrics(["a", "a"])


def test_values_are_needed() -> None:
    with pytest.raises(ArgumentError, match=r"AuxMetrics: expected a model or `\{name: value\}`"):
        AuxMetrics(["a"]).update(jnp.zeros(2))


def test_values_that_were_not_declared_are_refused() -> None:
    message = r"AuxMetrics: expected logs that were declared, a, received values for b"
    with pytest.raises(StructureError, match=message):
        AuxMetrics(["a"])(values={"b": 1.0})
