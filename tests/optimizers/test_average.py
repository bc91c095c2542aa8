from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.optimizers.models import MODEL, gradients, make, named
from treexlite._errors import ArgumentError, NotInitializedError


def test_averages_follow_the_parameters() -> None:
    model = make()
    optimizer = tx.Optimizer("sgd", 1.0, ema=0.75).init(model)
    optimizer.update(gradients(), model)
    expected = named(model)  # the first step sets them
    for _ in range(3):
        optimizer.update(gradients(), model)
        expected = {p: 0.75 * expected[p] + 0.25 * x for p, x in named(model).items()}
    with untouched(model):
        averaged = optimizer.averaged(model)
    for path, value in named(averaged).items():
        np.testing.assert_allclose(value, expected[path], rtol=1e-6)
    assert averaged.steps is model.steps
    assert type(averaged) is type(model)


def test_averages_of_a_frozen_part_wait() -> None:
    model = make()
    model.first.freeze(inplace=True)
    optimizer = tx.Optimizer("sgd", 1.0, ema=0.5).init(model)
    optimizer.update(gradients(), model), optimizer.update(gradients(), model)
    averaged = optimizer.averaged(model)
    assert averaged.first.w is model.first.w
    np.testing.assert_allclose(averaged.last.w, MODEL.last.w - 1.5, atol=1e-6)


def test_averages_move_with_real_steps_only() -> None:
    params = {"x": jnp.float32(0.0)}
    optimizer = tx.Optimizer("sgd", 1.0, ema=0.5, accumulate_steps=2).init(params)
    found = []
    for _ in range(4):
        params = optimizer.update({"x": jnp.float32(-1.0)}, params)
        found.append(float(optimizer.averaged(params)["x"]))
    assert found == [0.0, 1.0, 1.0, 1.5]


def test_averages_of_half_precision_are_float32() -> None:
    params = {"x": jnp.ones(2, jnp.bfloat16)}
    optimizer = tx.Optimizer("sgd", 2.0**-7, ema=0.999).init(params)
    for _ in range(8):
        params = optimizer.update({"x": jnp.ones(2)}, params)
    averages = optimizer.opt_state.averages["x"]
    assert averages.dtype == jnp.float32
    first = params["x"].astype(jnp.float32) + 7 * 2.0**-7
    assert bool((averages < first).all())  # in bfloat16 they would be stuck
    assert optimizer.averaged(params)["x"].dtype == jnp.bfloat16


def test_a_block_sees_the_averages_and_the_model_gets_its_own_back() -> None:
    model = make()
    optimizer = tx.Optimizer("sgd", 1.0, ema=0.5).init(model)
    optimizer.update(gradients(), model), optimizer.update(gradients(), model)
    own, weights = named(model), model.first.w

    def fail() -> None:
        with optimizer.swapped(model) as same:
            assert same is model
            np.testing.assert_allclose(model.first.w, weights + 0.5, rtol=1e-6)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert all(value is own[path] for path, value in named(model).items())


def test_blocks_work_inside_of_compiled_functions() -> None:
    model = make()
    optimizer = tx.Optimizer("sgd", 1.0, ema=0.5).init(model)
    optimizer.update(gradients(), model), optimizer.update(gradients(), model)

    @tx.jit
    def f(model: Any, optimizer: tx.Optimizer) -> Any:
        with optimizer.swapped(model):
            return model.first.w

    weights = np.asarray(model.first.w)
    np.testing.assert_allclose(f(model, optimizer), weights + 0.5, rtol=1e-6)
    np.testing.assert_array_equal(model.first.w, weights)


def test_averages_are_no_buffers_of_the_model() -> None:
    model = make()
    optimizer = tx.Optimizer("sgd", ema=0.5, lookahead=(2, 0.5)).init(model)
    pointers = [x.unsafe_buffer_pointer() for x in jax.tree.leaves((model, optimizer))]
    assert len(set(pointers)) == len(pointers)


def test_averages_need_the_option_and_a_state() -> None:
    with pytest.raises(ArgumentError, match=r"Optimizer.averaged: .*`ema=0.999`"):
        tx.Optimizer("sgd").averaged(make())
    with pytest.raises(NotInitializedError, match=r"Optimizer.averaged: expected an initialised"):
        tx.Optimizer("sgd", ema=0.9).averaged(make())


def test_only_modules_are_swapped() -> None:
    params = {"x": jnp.ones(2)}
    optimizer = tx.Optimizer("sgd", ema=0.9).init(params)
    with (
        pytest.raises(ArgumentError, match=r"Optimizer.swapped: expected a module"),
        optimizer.swapped(params),
    ):
        pass


@pytest.mark.parametrize("decay", [1.0, -0.1, "slow", True])
def test_a_decay_is_below_one(decay: Any) -> None:
    with pytest.raises(ArgumentError, match="expected `ema` to be a decay from 0 on and below 1"):
        tx.Optimizer("sgd", ema=decay)
