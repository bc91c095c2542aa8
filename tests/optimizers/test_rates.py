from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.optimizers.models import gradients, make, named
from treexlite._errors import ArgumentError

ONES = {"x": jnp.float32(1.0)}


def test_a_rate_is_set_while_training_without_compiling_again() -> None:
    traces = []

    @tx.jit
    def step(params: Any, optimizer: tx.Optimizer) -> Any:
        traces.append(1)
        return optimizer.update(ONES, params), optimizer.learning_rate

    params, optimizer = {"x": jnp.float32(4.0)}, tx.Optimizer("sgd", 1.0).init(ONES)
    found = []
    for rate in (1.0, 0.5, np.float32(0.25), jnp.float32(0.125), 2):
        optimizer.learning_rate = rate
        params, shown = step(params, optimizer)
        found.append((float(params["x"]), float(shown)))
        assert optimizer.learning_rate.dtype == jnp.float32
    assert found == [(3.0, 1.0), (2.5, 0.5), (2.25, 0.25), (2.125, 0.125), (0.125, 2.0)]
    assert len(traces) == 1
    step({"x": jnp.float32(4.0)}, tx.Optimizer("sgd", 0.75).init(ONES))
    assert len(traces) == 1  # a rate is data: another one is the same program


def test_a_rate_is_set_inside_of_a_compiled_function() -> None:
    @tx.jit
    def halve(optimizer: tx.Optimizer) -> None:
        optimizer.learning_rate = optimizer.learning_rate / 2

    optimizer = tx.Optimizer("adam", 1.0).init(ONES)
    halve(optimizer)
    halve(optimizer)
    assert float(optimizer.learning_rate) == 0.25
    assert halve.cache_size() == 1


def test_a_rate_is_read_and_set_before_init() -> None:
    optimizer = tx.Optimizer("sgd")
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    optimizer.learning_rate = 0.5
    assert float(optimizer.init(ONES).learning_rate) == 0.5


def test_the_rate_of_a_schedule_is_that_of_the_next_step() -> None:
    optimizer = tx.Optimizer("adam", tx.optimizers.schedules.linear(1.0, 4), accumulate_steps=2)
    assert float(optimizer.learning_rate) == 1.0
    optimizer = optimizer.init(ONES)
    found = []
    for _ in range(4):
        optimizer.update(ONES, ONES)
        found.append(float(optimizer.learning_rate))
    assert found == [1.0, 0.75, 0.75, 0.5]  # only steps that were made count


def test_the_rate_of_a_schedule_cannot_be_set() -> None:
    optimizer = tx.Optimizer("adam", tx.optimizers.schedules.linear(1.0, 4), clip_norm=1.0)
    with pytest.raises(ArgumentError, match=r"one with a schedule, linear\(rate=1.0"):
        optimizer.learning_rate = 0.1


def test_a_finished_transformation_shows_no_rate() -> None:
    optimizer = tx.Optimizer(optax.adam(0.1)).init(ONES)
    for act in (
        lambda: optimizer.learning_rate,
        lambda: setattr(optimizer, "learning_rate", 0.1),
    ):
        with pytest.raises(ArgumentError, match=r"a finished transformation, whose rate .*Pass a"):
            act()


@pytest.mark.parametrize("value", [-1.0, "fast", None])
def test_what_is_set_has_to_be_a_rate(value: Any) -> None:
    optimizer = tx.Optimizer("sgd", 0.5).init(ONES)
    with pytest.raises(ArgumentError, match=r"Optimizer.learning_rate: expected `learning_rate`"):
        optimizer.learning_rate = value
    assert float(optimizer.learning_rate) == 0.5


def test_the_rate_that_optax_injected_is_read_and_set() -> None:
    transformation = optax.chain(
        optax.clip(10.0), optax.inject_hyperparams(optax.sgd)(learning_rate=0.5, momentum=0.0)
    )
    optimizer = tx.Optimizer(transformation, skip_nonfinite=True).init(ONES)
    assert float(optimizer.learning_rate) == 0.5
    optimizer.learning_rate = 0.25
    assert float(optimizer.update(ONES, ONES)["x"]) == 0.75
    assert float(optimizer.learning_rate) == 0.25


def test_a_schedule_that_optax_injected_is_read_only() -> None:
    transformation = optax.inject_hyperparams(optax.sgd)(optax.linear_schedule(1.0, 0.0, 4))
    optimizer = tx.Optimizer(transformation).init(ONES)
    for _ in range(2):
        optimizer.update(ONES, ONES)
    assert float(optimizer.learning_rate) == 0.75  # that of the last step
    with pytest.raises(ArgumentError, match=r"the one given to optax\.inject_hyperparams"):
        optimizer.learning_rate = 0.1


def grouped() -> tx.Optimizer:
    return tx.Optimizer(
        {
            "first/w": optax.sgd(0.1),
            "first/b": tx.optimizers.get("sgd", tx.optimizers.schedules.linear(1.0, 4)),
            "last/w": tx.Optimizer("sgd", 0.5, clip_norm=100.0),
            "last/b": optax.inject_hyperparams(optax.sgd)(0.25),
        },
        ema=0.5,
    )


def test_groups_have_a_rate_each() -> None:
    model = make()
    optimizer = grouped().init(model)
    optimizer.update(gradients(), model)
    rates = {label: float(rate) for label, rate in optimizer.learning_rate.items()}
    assert rates == {"first/b": 0.75, "last/w": 0.5, "last/b": 0.25}
    assert set(grouped().learning_rate) == {"first/b", "last/w"}  # optax's is there after `init`
    before = named(model)
    optimizer.learning_rate = {"last/w": 0.125}
    optimizer.update(gradients(), model)
    np.testing.assert_allclose(named(model)["last/w"], before["last/w"] - 0.125, atol=1e-6)
    np.testing.assert_allclose(named(model)["last/b"], before["last/b"] - 0.25, atol=1e-6)


@pytest.mark.parametrize("value", [0.1, {}, {"first/b": 0.1}, {"nowhere": 0.1}])
def test_groups_are_set_by_name(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"some of the groups \['last/w'\]"):
        grouped().learning_rate = value


@pytest.mark.parametrize("made", ["adamw", optax.adamw(0.1)])
def test_the_rate_and_the_options_that_are_not_used_cost_nothing(made: Any) -> None:
    """As many floating point operations as optax has with a rate that is an argument."""
    params = named(make())
    optimizer = tx.Optimizer(made).init(params)

    def ours(params: Any, optimizer: tx.Optimizer) -> Any:
        return optimizer.update(gradients(), params), optimizer

    # a rate that is a constant is negated while tracing
    fixed = not isinstance(made, str)

    def theirs(params: Any, state: Any, rate: Any) -> Any:
        optimizer = optax.adamw(0.1 if fixed else rate)
        updates, state = optimizer.update(gradients(), state, params)
        return optax.apply_updates(params, updates), state

    one = jax.jit(ours).lower(params, optimizer).cost_analysis()
    state = optax.adamw(0.1).init(params)
    two = jax.jit(theirs).lower(params, state, jnp.float32(0.1)).cost_analysis()
    assert one["flops"] == two["flops"] + 1  # the count of calls


def test_a_rate_stays_on_the_device_of_the_old_one() -> None:
    device = jax.devices()[-1]
    optimizer = tx.Optimizer("sgd", 1.0).init(ONES)
    optimizer.rate = jax.device_put(optimizer.rate, device)
    optimizer.learning_rate = 0.5
    assert (float(optimizer.learning_rate), optimizer.rate.device) == (0.5, device)
    assert optimizer.rate.committed
