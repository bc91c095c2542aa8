from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from treexlite._errors import UnknownNameError
from treexlite.optimizers._names import REGISTRY, _of_contrib, default_rate, find

PARAMS = {"b": jnp.array([0.5, -0.25]), "w": jnp.array([[1.0, -2.0], [0.5, 0.25], [3.0, 1.0]])}
NEEDS_VALUES = {"lbfgs"}
NO_RATE = {"lbfgs"}


@pytest.mark.parametrize("name", sorted(set(REGISTRY.names) - NEEDS_VALUES))
def test_names_have_the_numbers_of_optax_with_a_fixed_rate(name: str) -> None:
    factory = REGISTRY.find(name)
    optimizer = tx.Optimizer(name)
    rate = float(optimizer.learning_rate)
    transformation = factory(learning_rate=rate)

    def both(params: Any) -> Any:
        ours, theirs, opt = params, params, optimizer.init(params)
        state = transformation.init(params)
        for _ in range(2):
            ours = opt.update(jax.tree.map(jnp.sin, ours), ours)
            grads = jax.tree.map(jnp.sin, theirs)
            updates, state = transformation.update(grads, state, theirs)
            theirs = optax.apply_updates(theirs, updates)
        return ours, theirs

    ours, theirs = jax.jit(both)(PARAMS)
    for path in PARAMS:
        np.testing.assert_allclose(ours[path], theirs[path], rtol=1e-6, atol=1e-7)
        assert not np.array_equal(ours[path], PARAMS[path])


@pytest.mark.parametrize(
    ("name", "rate"), [("sgd", 0.01), ("adam", 0.001), ("adafactor", 0.001), ("prodigy", 1.0)]
)
def test_default_rates_are_those_of_keras_or_else_of_the_factory(name: str, rate: float) -> None:
    assert float(tx.Optimizer(name).learning_rate) == pytest.approx(rate)
    default = inspect.signature(find("x", name)).parameters["learning_rate"].default
    own = None if default is inspect.Parameter.empty else default
    assert default_rate(find("x", name), own) == rate


def test_lbfgs_finds_its_own_rate() -> None:
    assert tx.Optimizer("lbfgs").rate is None
    assert float(tx.Optimizer("lbfgs", 0.5).learning_rate) == 0.5


@pytest.mark.parametrize("name", ["adamw", "AdamW", "ADAMW"])
def test_case_does_not_matter(name: str) -> None:
    assert find("x", name) is optax.adamw


def test_the_name_of_a_class_is_found_in_snake_case() -> None:
    assert find("x", "ScheduleFreeSgd") is optax.contrib.schedule_free_sgd


def test_an_unknown_name_is_refused_with_the_close_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"Optimizer: expected the name of an optimizer"):
        tx.Optimizer("adamm")
    with pytest.raises(UnknownNameError, match=r"Did you mean .*'radam'"):
        find("x", "rradam")


def test_what_an_older_optax_lacks_has_no_name() -> None:
    assert list(_of_contrib("madgrad", "nothing_of_this_name")) == ["madgrad"]
