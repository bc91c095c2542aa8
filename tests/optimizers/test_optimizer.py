from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests._core.modules import Net, Scale, X, content, make_net, no_tracers, untouched
from tests.optimizers.models import MODEL, PATHS, Model, assert_close, loss, make, named
from treexlite._errors import (
    ArgumentError,
    NotInitializedError,
    StructureError,
)


def named_loss(params: dict[str, Any]) -> Any:
    hidden = jnp.tanh(X @ params["first/w"] + params["first/b"])
    return jnp.mean((hidden @ params["last/w"] + params["last/b"] - 1.0) ** 2)


# Parity: the numbers are those of optax on a flat dict of the same arrays


def by_name(params: Any) -> Any:
    return {path: path.endswith("w") for path in params}


OPTIMIZERS = {
    "sgd": lambda: optax.sgd(0.1),
    "momentum": lambda: optax.sgd(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: optax.adam(0.01),
    "adamw by name": lambda: optax.adamw(0.01, weight_decay=0.1, mask=by_name),
    "clip and schedule": lambda: optax.chain(
        optax.clip_by_global_norm(0.1), optax.adam(optax.cosine_decay_schedule(0.1, 4))
    ),
    "multi transform": lambda: optax.multi_transform(
        {"fast": optax.adam(0.1), "slow": optax.sgd(0.01), "none": optax.set_to_zero()},
        lambda params: {
            path: "fast" if path == "first/w" else "none" if path == "last/b" else "slow"
            for path in params
        },
    ),
    "masked": lambda: optax.masked(optax.sgd(0.5), by_name),
    "injected": lambda: optax.inject_hyperparams(optax.rmsprop)(learning_rate=0.01),
    "multi steps": lambda: optax.MultiSteps(optax.adam(0.1), every_k_schedule=2),
    "schedule free": lambda: optax.contrib.schedule_free_sgd(0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_are_those_of_optax(name: str) -> None:
    transformation = OPTIMIZERS[name]()

    @jax.jit
    def reference(params: Any, state: Any) -> Any:
        updates, state = transformation.update(jax.grad(named_loss)(params), state, params)
        return optax.apply_updates(params, updates), state

    @tx.jit
    def step(model: Model, optimizer: tx.Optimizer) -> Any:
        return optimizer.update(tx.grad(loss)(model, X), model)

    params = named(make())
    state = transformation.init(params)
    model = make()
    optimizer = tx.Optimizer(transformation).init(model)
    for number in range(3):
        params, state = reference(params, state)
        assert step(model, optimizer) is model
        assert int(optimizer.step) == number + 1
        assert_close(named(model), params)
    leaves = zip(jax.tree.leaves(optimizer.opt_state), jax.tree.leaves(state), strict=True)
    for one, two in leaves:
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_reduce_on_plateau_gets_the_value() -> None:
    def build() -> Any:
        return optax.chain(
            optax.sgd(0.1), optax.contrib.reduce_on_plateau(factor=0.5, patience=1, cooldown=0)
        )

    transformation = build()

    @jax.jit
    def reference(params: Any, state: Any) -> Any:
        grads = jax.grad(named_loss)(params)
        updates, state = transformation.update(grads, state, params, value=1.0)
        return optax.apply_updates(params, updates), state

    @tx.jit
    def step(model: Model, optimizer: tx.Optimizer) -> None:
        optimizer.update(tx.grad(loss)(model, X), model, value=1.0)

    params, model = named(make()), make()
    state = transformation.init(params)
    optimizer = tx.Optimizer(build()).init(model)
    for _ in range(4):
        params, state = reference(params, state)
        step(model, optimizer)
    assert float(optimizer.opt_state[1].scale) == float(state[1].scale) < 1.0
    assert_close(named(model), params)


def quadratic(params: Any) -> Any:
    return sum(jnp.sum((leaf - 1.0) ** 2) for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize(
    "make_params",
    [
        lambda: {"b": {"c": jnp.array([1.0, 2.0])}, "a": [jnp.array(3.0)]},
        lambda: jnp.array([4.0, 5.0]),
        lambda: [Scale(3.0), {"k": Scale(4.0)}],
        lambda: Scale(5.0),
    ],
    ids=["tree", "array", "modules", "module"],
)
def test_lbfgs_gets_values_gradients_and_the_function_in_the_form_of_the_parameters(
    make_params: Any,
) -> None:
    search = optax.scale_by_backtracking_linesearch(max_backtracking_steps=3)

    @tx.jit
    def step(params: Any, optimizer: tx.Optimizer) -> Any:
        value, grads = tx.value_and_grad(quadratic)(params)
        return optimizer.update(grads, params, value=value, grad=grads, value_fn=quadratic)

    params = make_params()
    optimizer = tx.Optimizer(optax.lbfgs(memory_size=2, linesearch=search)).init(params)
    start = float(quadratic(params))
    for _ in range(2):
        params = step(params, optimizer)
    assert float(quadratic(params)) < start / 1e4
    assert no_tracers(params)


# In place, and in every way of running


def test_update_writes_into_the_module_and_returns_it() -> None:
    model = make()
    first, steps = model.first, model.steps
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(model)
    grads = tx.grad(loss)(model, X)
    before = named(model)
    assert optimizer.update(grads, model) is model
    assert model.first is first
    assert int(model.steps) == int(steps) + 1
    for path, value in named(model).items():
        np.testing.assert_allclose(value, before[path] - 0.1 * grads.state_dict()[path], rtol=1e-5)


@pytest.mark.parametrize("way", ["jit", "donate", "jax.jit", "bound"])
def test_a_train_step_is_the_same_in_every_way(way: str) -> None:
    def step(model: Model, optimizer: tx.Optimizer, x: Any) -> Any:
        value, grads = tx.value_and_grad(loss)(model, x)
        optimizer.update(grads, model)
        return value

    class State(tx.Module):
        def __init__(self) -> None:
            self.model = make()
            self.optimizer = tx.Optimizer(optax.adam(0.01)).init(self.model)

        def step(self, x: Any) -> Any:
            return step(self.model, self.optimizer, x)

    eager, state = State(), State()
    fast, bound = tx.jit(step, donate=way == "donate"), tx.jit(state.step)
    plain = jax.jit(lambda state, x: (state.step(x), state)[1])
    for _ in range(3):
        eager.step(X)
        if way == "jax.jit":
            state = plain(state, X)
        elif way == "bound":
            bound(X)
        else:
            fast(state.model, state.optimizer, X)
    assert jax.tree.structure(eager) == jax.tree.structure(state)
    for one, two in zip(*map(jax.tree.leaves, (eager, state)), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
    assert int(state.optimizer.step) == 3
    assert fast.cache_size() <= 1


def test_a_second_model_and_optimizer_built_alike_do_not_retrace() -> None:
    fast = tx.jit(lambda m, o: o.update(tx.grad(loss)(m, X), m))
    for build in (lambda: optax.adam(0.1), lambda: optax.chain(optax.clip(1.0), optax.adamw(0.1))):
        fast.clear_cache()
        for seed in range(3):
            model = Model().init(seed, X)
            optimizer = tx.Optimizer(build()).init(model)
            fast(model, optimizer), fast(model, optimizer)
        assert fast.cache_size() == 1


@pytest.mark.parametrize(
    "params",
    [{"b": jnp.array(4.0), "a": {"c": [jnp.array(2.0)]}}, [jnp.array(4.0)], jnp.array(4.0)],
)
def test_plain_trees_come_back_new(params: Any) -> None:
    optimizer = tx.Optimizer(optax.sgd(0.5)).init(params)
    before = jax.tree.leaves(params)
    updated = optimizer.update(params, params)
    assert updated is not params
    assert jax.tree.structure(updated) == jax.tree.structure(params)
    assert [float(x) for x in jax.tree.leaves(updated)] == [float(x) / 2 for x in before]
    assert all(x is y for x, y in zip(jax.tree.leaves(params), before, strict=True))


def test_plain_trees_may_have_other_leaves_beside_floating_ones() -> None:
    params = {"w": jnp.array(4.0), "n": jnp.array(3), "none": None}
    optimizer = tx.Optimizer(optax.adam(0.5)).init(params)
    assert list(optimizer.opt_state[0].mu) == ["w"]
    updated = optimizer.update({"w": jnp.array(1.0)}, params)
    assert int(updated["n"]) == 3
    assert float(updated["w"]) < 4.0


def test_lists_of_modules_are_changed_in_place() -> None:
    models = [Scale(1.0), Scale(2.0)]
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(models)
    grads = tx.grad(lambda models: models[0].w * models[1].w)(models)
    assert optimizer.update(grads, models) is models
    np.testing.assert_allclose([model.w for model in models], [0.8, 1.9], rtol=1e-6)


def test_the_dtype_of_parameters_is_kept() -> None:
    model = make().map(lambda x: x.astype(jnp.bfloat16), tx.Parameter)
    optimizer = tx.Optimizer(optax.adam(0.1)).init(model)
    half = X.astype(jnp.bfloat16)
    tx.jit(lambda m, o: o.update(tx.grad(lambda m: loss(m, half))(m), m))(model, optimizer)
    assert {leaf.dtype for leaf in named(model).values()} == {jnp.dtype(jnp.bfloat16)}


def test_gradients_of_plain_jax_work_too() -> None:
    one, two = make(), make()
    for model, grad in ((one, tx.grad(loss)), (two, jax.grad(loss, allow_int=True))):
        optimizer = tx.Optimizer(optax.adam(0.1)).init(model)
        with tx.config(lost_mutation="off"):  # `loss` counts its steps, which only `tx.grad` keeps
            grads = grad(model, X)
        optimizer.update(grads.parameters(), model)
    assert_close(named(one), named(two))


def test_gradients_that_plain_jax_split_over_a_shared_module_add_up() -> None:
    class Tied(tx.Module):
        def __init__(self) -> None:
            self.z = Scale(2.0)
            self.a = [self.z]

    def f(model: Tied) -> Any:
        return 3 * model.z.w + 5 * model.a[0].w

    for grad in (tx.grad(f), jax.grad(f)):
        model = Tied()
        optimizer = tx.Optimizer(optax.sgd(0.125)).init(model)
        optimizer.update(grad(model), model)
        assert float(model.z.w) == 1.0
        assert model.z is model.a[0]


def test_without_applying_the_updates_are_returned() -> None:
    model = make()
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(model)
    grads = tx.grad(loss)(model, X)
    with untouched(model):
        updates = optimizer.update(grads, model, apply_updates=False)
    assert type(updates) is Model
    assert updates.steps is tx.Nothing
    np.testing.assert_allclose(updates.first.w, -0.1 * grads.first.w, rtol=1e-6)
    assert int(optimizer.step) == 1
    updates = optimizer.update(grads)
    np.testing.assert_allclose(updates.last.b, -0.1 * grads.last.b, rtol=1e-6)
    assert int(optimizer.step) == 2


# Names, freezing, parts


def test_the_state_is_by_name() -> None:
    optimizer = tx.Optimizer(optax.adam(0.1)).init(make())
    assert list(optimizer.opt_state[0].mu) == PATHS
    assert optimizer.paths == tuple(PATHS)
    assert "opt_state/0/mu/first/w" in "".join(optimizer.state_dict())
    assert list(optimizer.state_dict(tx.OptState))[-1] == "step"


def test_init_returns_a_copy_or_changes_in_place() -> None:
    description = tx.Optimizer(optax.adam(0.1))
    optimizer = description.init(make())
    assert (description.initialized, optimizer.initialized) == (False, True)
    assert description.init(make(), inplace=True) is description
    assert description.initialized
    assert int(description.step) == 0


def test_what_is_frozen_before_init_is_left_alone_and_may_join_later() -> None:
    model = make()
    model.first.freeze(inplace=True)
    optimizer = tx.Optimizer(optax.adamw(0.1, weight_decay=0.5)).init(model)
    assert list(optimizer.opt_state[0].mu) == ["last/b", "last/w"]
    weights = model.first.w
    optimizer.update(tx.grad(loss)(model, X), model)
    assert model.first.w is weights
    model.unfreeze(inplace=True)
    optimizer.update(tx.grad(loss)(model, X), model)
    assert list(optimizer.opt_state[0].mu) == PATHS
    assert not np.allclose(model.first.w, weights)


@pytest.mark.parametrize("way", ["eager", "jit"])
def test_what_is_frozen_later_keeps_its_moments_until_it_is_unfrozen(way: str) -> None:
    def step(model: Model, optimizer: tx.Optimizer) -> None:
        optimizer.update(tx.grad(loss)(model, X), model)

    run = step if way == "eager" else tx.jit(step)
    model = make()
    optimizer = tx.Optimizer(optax.adam(0.1)).init(model)
    run(model, optimizer)
    moments, weights = optimizer.opt_state[0].mu["first/w"], model.first.w
    model.first.freeze(inplace=True)
    for _ in range(2):
        run(model, optimizer)
        np.testing.assert_array_equal(optimizer.opt_state[0].mu["first/w"], moments)
        np.testing.assert_array_equal(model.first.w, weights)
    assert int(optimizer.opt_state[0].count) == 3
    model.first.unfreeze(inplace=True)
    run(model, optimizer)
    assert not np.allclose(optimizer.opt_state[0].mu["first/w"], moments)
    assert not np.allclose(model.first.w, weights)
    assert list(optimizer.opt_state[0].mu) == PATHS


def test_frozen_parameters_are_left_alone_even_when_a_gradient_is_given() -> None:
    model = make()
    grads = tx.grad(loss)(model, X)
    optimizer = tx.Optimizer(optax.adamw(0.1, weight_decay=0.5)).init(model)
    model.first.freeze(inplace=True)
    weights, moments = model.first.w, optimizer.opt_state[0].mu["first/w"]
    optimizer.update(grads, model)
    assert model.first.w is weights
    assert optimizer.opt_state[0].mu["first/w"] is moments
    assert bool((optimizer.opt_state[0].mu["last/w"] != 0).any())


def test_parameters_without_a_gradient_keep_value_and_state() -> None:
    model = make()
    optimizer = tx.Optimizer(optax.adamw(0.1, weight_decay=0.5)).init(model)
    weights, moments = model.last.w, optimizer.opt_state[0].mu["last/w"]
    optimizer.update(tx.grad(loss, wrt="first/**")(model, X), model)
    assert model.last.w is weights
    assert optimizer.opt_state[0].mu["last/w"] is moments
    assert optimizer.paths == tuple(PATHS)


def test_an_optimizer_for_a_part_updates_only_that_part() -> None:
    model = make()
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(model.last)
    first = model.first.w
    grads = tx.grad(loss)(model, X)
    optimizer.update(grads.last, model.last)
    assert model.first.w is first
    assert not np.allclose(model.last.w, MODEL.last.w)


def test_parameters_that_appear_later_get_their_state_then() -> None:
    model = make()
    optimizer = tx.Optimizer(optax.adam(0.1)).init(model)
    optimizer.update(tx.grad(loss)(model, X), model)
    moments = optimizer.opt_state[0].mu["first/w"]
    model.extra = Scale(2.0)
    grads = tx.grad(lambda m: m.extra.w**2)(model)
    optimizer.update(grads, model)
    assert "extra/w" in optimizer.opt_state[0].mu
    assert float(model.extra.w) < 2.0
    assert optimizer.opt_state[0].mu["first/w"].shape == moments.shape


def test_parameters_whose_names_would_collide_are_not_mixed_up() -> None:
    params = {"a/b": jnp.array(1.0), "a": {"b": jnp.array(2.0)}}
    try:
        optimizer = tx.Optimizer(optax.sgd(0.1)).init(params)
        updated = optimizer.update(params, params)
    except ValueError as error:
        assert "a/b" in str(error)  # noqa: PT017
    else:
        np.testing.assert_allclose([updated["a/b"], updated["a"]["b"]], [0.9, 1.8], rtol=1e-6)


def test_python_numbers_are_parameters_too() -> None:
    class Line(tx.Module):
        w: Any = tx.Parameter.node(3.0)

    model = Line()
    optimizer = tx.Optimizer(optax.sgd(0.1)).init(model)
    optimizer.update(tx.grad(lambda m: m.w**2)(model), model)
    assert float(model.w) == pytest.approx(2.4)


# Errors


@pytest.mark.parametrize("value", [3, None, [optax.sgd(0.1)], {}, Scale(1.0)])
def test_an_optimizer_needs_a_transformation(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"an optax transformation .*received optimizer="):
        tx.Optimizer(value)


def test_updating_before_init_is_refused() -> None:
    model = make()
    with (
        untouched(model),
        pytest.raises(NotInitializedError, match=r"Optimizer.update: expected an"),
    ):
        tx.Optimizer(optax.sgd(0.1)).update(model, model)


def test_a_model_has_to_be_initialised_first() -> None:
    with pytest.raises(NotInitializedError, match="`first/w` is not created yet"):
        tx.Optimizer(optax.sgd(0.1)).init(Model())
    with pytest.raises(NotInitializedError, match="`layers/0/w` is not created yet"):
        tx.Optimizer(optax.sgd(0.1)).init(Net())


@pytest.mark.parametrize(
    ("grads", "received"),
    [
        (
            lambda m: {"nowhere": jnp.ones(2)},
            r"gradients at nowhere \(array of shape \(2,\) .*, no parameter has that path\); "
            "and none for first/b, first/w, last/b, last/w",
        ),
        (
            lambda m: m.map(lambda x: jnp.ones(7), "first/w"),
            r"first/w \(array of shape \(7,\) .*, the parameter has shape \(4, 3\)\)",
        ),
        (lambda m: None, "grads=None"),
        (lambda m: m.filter(tx.Any()), "without any array"),
    ],
)
def test_gradients_that_do_not_belong_are_refused_and_nothing_moves(
    grads: Any, received: str
) -> None:
    model = make()
    optimizer = tx.Optimizer(optax.adam(0.1)).init(model)
    before = content(optimizer)
    with untouched(model), pytest.raises(StructureError, match=received):
        optimizer.update(grads(model), model)
    assert content(optimizer) == before


def test_a_failing_transformation_leaves_everything_as_it_was() -> None:
    model = make()
    optimizer = tx.Optimizer(optax.adamw(0.1)).init(model)
    grads = tx.grad(loss)(model, X)
    before = content(optimizer)
    with untouched(model), pytest.raises(ValueError, match="params"):
        optimizer.update(grads)  # adamw wants the parameters
    assert content(optimizer) == before


def test_an_optimizer_prints_its_state() -> None:
    text = repr(tx.Optimizer(optax.sgd(0.1)).init(make_net()))
    assert "opt_state=OptState" in text
    assert "step=OptState i32[]" in text
