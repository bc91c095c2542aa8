from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.optimizers.models import MODEL, gradients, make, named
from treexlite._errors import ArgumentError


def test_the_numbers_are_those_of_multi_steps() -> None:
    ours, theirs = make(), make()
    one = tx.Optimizer(optax.adam(0.1), accumulate_steps=3).init(ours)
    two = tx.Optimizer(optax.MultiSteps(optax.adam(0.1), 3)).init(theirs)
    step = tx.jit(lambda m, o, grads: o.update(grads, m))
    for number in range(7):
        grads = gradients(float(number))
        step(ours, one, grads), step(theirs, two, grads)
        for path, value in named(ours).items():
            np.testing.assert_array_equal(value, named(theirs)[path])
    assert int(one.step) == 7
    assert int(one.opt_state.number) == 1


def test_parameters_stay_in_between_bit_for_bit() -> None:
    params = {"x": jnp.array([-0.0, 1.0])}
    optimizer = tx.Optimizer("sgd", 1.0, accumulate_steps=2).init(params)
    params = optimizer.update({"x": jnp.ones(2)}, params)
    assert np.signbit(params["x"][0])
    params = optimizer.update({"x": jnp.zeros(2)}, params)
    assert params["x"].tolist() == [-0.5, 0.5]


def test_what_was_collected_before_freezing_is_dropped() -> None:
    model = make()
    optimizer = tx.Optimizer("sgd", 1.0, accumulate_steps=2).init(model)
    optimizer.update(gradients(100.0), model)
    model.first.freeze(inplace=True)
    optimizer.update(gradients(), model)
    model.unfreeze(inplace=True)
    optimizer.update(gradients(), model)
    optimizer.update(gradients(), model)
    np.testing.assert_allclose(model.first.w, MODEL.first.w - 1.0, atol=1e-6)


def test_clipping_sees_the_mean() -> None:
    params = {"x": jnp.float32(0.0)}
    optimizer = tx.Optimizer("sgd", 1.0, accumulate_steps=2, clip_norm=1.0).init(params)
    for grad in (10.0, -9.0):
        params = optimizer.update({"x": jnp.float32(grad)}, params)
    assert float(params["x"]) == -0.5


@pytest.mark.parametrize("steps", [0, 1.5, "two"])
def test_steps_are_positive_integers(steps: Any) -> None:
    with pytest.raises(ArgumentError, match="expected `accumulate_steps` to be a positive integer"):
        tx.Optimizer("sgd", accumulate_steps=steps)
