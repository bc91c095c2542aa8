from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.optimizers.models import MODEL, gradients, make, named
from treexlite._errors import ArgumentError, PathError
from treexlite.optimizers._transformation import as_rate, with_steady_dtypes


def step(optimizer: tx.Optimizer, model: Any = None) -> dict[str, Any]:
    model = make() if model is None else model
    optimizer.init(model).update(gradients(), model)
    return named(model)


def test_a_factory_takes_its_options() -> None:
    ours = step(tx.Optimizer(optax.adamw, learning_rate=0.1, weight_decay=0.5))
    theirs = step(tx.Optimizer(optax.adamw(0.1, weight_decay=0.5)))
    for path, value in ours.items():
        np.testing.assert_allclose(value, theirs[path], rtol=1e-6)


@pytest.mark.parametrize("name", ["adamw", "lion", "muon", "lars"])
def test_weight_decay_acts_where_a_filter_says(name: str) -> None:
    decayed = step(tx.Optimizer(name, 0.1, weight_decay=0.5, decay="**/w"))
    masked = step(tx.Optimizer(name, 0.1, weight_decay=0.5, decay=tx.Any()))
    plain = step(tx.Optimizer(name, 0.1, weight_decay=0.5))
    assert np.array_equal(decayed["last/w"], plain["last/w"])
    assert np.array_equal(decayed["last/b"], masked["last/b"])
    assert not np.array_equal(masked["last/w"], plain["last/w"])


def test_the_filter_may_look_at_modules() -> None:
    last = MODEL.last.w.shape
    decays = lambda info: info.value.shape == last and type(info.module).__name__ == "Dense"  # noqa: E731
    decayed = step(tx.Optimizer("adamw", 0.1, weight_decay=0.5, decay=decays))
    plain = step(tx.Optimizer("adam", 0.1))
    changed = [path for path in plain if not np.allclose(decayed[path], plain[path])]
    assert changed == ["last/w"]


def test_a_number_called_decay_is_an_option_of_rmsprop() -> None:
    ours = step(tx.Optimizer("rmsprop", 0.1, decay=0.5))
    theirs = step(tx.Optimizer(optax.rmsprop(0.1, decay=0.5)))
    np.testing.assert_allclose(ours["last/w"], theirs["last/w"], rtol=1e-6)


def test_a_filter_needs_an_optimizer_with_weight_decay() -> None:
    with pytest.raises(ArgumentError, match=r"with a weight decay of its own.*received `sgd`"):
        tx.Optimizer("sgd", decay="**/w")


def test_a_filter_has_to_match_a_parameter() -> None:
    with pytest.raises(PathError, match=r"'\*\*/kernel', which matches none"):
        tx.Optimizer("adamw", decay="**/kernel").init(make())


def test_unknown_options_are_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"expected options of `adam`: .*b1.*received .*beta=0.9"
    ):
        tx.Optimizer("adam", beta=0.9)


def test_a_factory_without_a_rate_takes_none() -> None:
    def calm() -> Any:
        return optax.scale(-0.5)

    assert tx.Optimizer(calm).rate is None
    with pytest.raises(ArgumentError, match="options of `calm`"):
        tx.Optimizer(calm, learning_rate=0.1)


@pytest.mark.parametrize("rate", [-0.1, float("nan"), "fast", True, jnp.ones(2)])
def test_a_rate_is_a_number_from_zero_on(rate: Any) -> None:
    with pytest.raises(ArgumentError, match="`learning_rate` to be a number from 0 on"):
        tx.Optimizer("sgd", learning_rate=rate)


@pytest.mark.parametrize("rate", [1, 0.5, np.float64(0.5), jnp.bfloat16(0.5), 0.0])
def test_rates_are_float32(rate: Any) -> None:
    assert as_rate("x", rate).dtype == jnp.float32


def test_an_option_that_is_data_goes_into_a_finished_transformation() -> None:
    def moved(make: Any, weight_decay: Any) -> Any:
        params = {"x": jnp.array(1.0)}
        return make(weight_decay).init(params).update({"x": jnp.array(0.0)}, params)["x"]

    def by_name(weight_decay: Any) -> tx.Optimizer:
        return tx.Optimizer("adamw", learning_rate=0.1, weight_decay=weight_decay)

    decays = jnp.array([0.0, 0.5, 1.0])
    message = (
        r"option `weight_decay` to be a plain number, because it is compiled into the step, "
        r"received weight_decay=.*`tx.Optimizer\(adamw\(..., weight_decay=weight_decay\)\)`"
    )
    for traced in (tx.vmap(lambda decay: moved(by_name, decay)), lambda _: by_name(decays[0])):
        with pytest.raises(ArgumentError, match=message):
            traced(decays)

    def finished(weight_decay: Any) -> tx.Optimizer:
        return tx.Optimizer(optax.adamw(0.1, weight_decay=weight_decay))

    found = tx.vmap(lambda decay: moved(finished, decay))(decays)
    np.testing.assert_allclose(found, 1 - 0.1 * decays, rtol=1e-6)


def test_a_schedule_counts_the_steps() -> None:
    params = {"x": jnp.array(0.0)}
    optimizer = tx.Optimizer("sgd", lambda step: jnp.where(step < 2, 1.0, 0.25)).init(params)
    found = []
    for _ in range(4):
        params = optimizer.update({"x": jnp.array(-1.0)}, params)
        found.append(float(params["x"]))
    assert found == [1.0, 2.0, 2.25, 2.5]
    assert int(optimizer.opt_state.step) == 4


@pytest.mark.parametrize("name", ["rmsprop", "sgd", "adam", "lion"])
@pytest.mark.parametrize("rate", [0.1, tx.optimizers.schedules.constant(0.1)])
def test_half_precision_keeps_its_dtypes_in_parameters_and_state(name: str, rate: Any) -> None:
    params = {"x": jnp.ones(2, jnp.bfloat16), "y": jnp.ones(2)}
    options = {"momentum": 0.9} if name in ("rmsprop", "sgd") else {}
    optimizer = tx.Optimizer(name, rate, **options).init(params)
    before = jax.tree.map(lambda leaf: leaf.dtype, (params, optimizer.opt_state))
    params = optimizer.update(params, params)
    assert jax.tree.map(lambda leaf: leaf.dtype, (params, optimizer.opt_state)) == before


def test_a_state_in_another_dtype_comes_back_as_it_was() -> None:
    widening = optax.GradientTransformation(
        lambda params: jnp.zeros(2, jnp.float16),
        lambda updates, state, params=None: (updates, state + jnp.ones(2)),
    )
    steady = with_steady_dtypes(widening)
    _, state = steady.update({}, steady.init({}))
    assert state.dtype == jnp.float16
    assert state.tolist() == [1.0, 1.0]
