from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax
import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.optimizers._registry import as_optimizer


@pytest.mark.parametrize("name", ["sgd", "Adam", "adamw", "rmsprop", "lion"])
def test_names_stand_for_optimizers(name: str) -> None:
    model = Scale(2.0)
    optimizer = as_optimizer("Trainer", name).init(model)
    optimizer.update(tx.grad(lambda m: m.w**2)(model), model)
    assert float(model.w) < 2.0


def test_get_takes_the_rate_and_all_options() -> None:
    optimizer = tx.optimizers.get("adamw", learning_rate=0.5, weight_decay=0.1, ema=0.9)
    assert float(optimizer.learning_rate) == 0.5
    assert dict(optimizer.rule.options) == {"weight_decay": 0.1}
    assert optimizer.options.ema == 0.9


def test_own_optimizers_get_a_name() -> None:
    def mine(learning_rate: Any = 0.25, turn: float = 1.0) -> Any:
        return optax.sgd(learning_rate * turn)

    assert tx.optimizers.register("mine_of_this_test", mine) is mine
    optimizer = tx.Optimizer("mine_of_this_test", turn=-1.0).init({"x": jnp.array(1.0)})
    assert float(optimizer.learning_rate) == 0.25
    assert float(optimizer.update({"x": jnp.array(1.0)}, {"x": jnp.array(1.0)})["x"]) == 1.25
    with pytest.raises(ArgumentError, match=r"optimizers.register: expected a name that is free"):
        tx.optimizers.register("mine_of_this_test", mine)


def test_optimizers_and_transformations_are_taken_as_they_are() -> None:
    optimizer = tx.Optimizer(optax.sgd(0.1))
    assert as_optimizer("Trainer", optimizer) is optimizer
    assert isinstance(as_optimizer("Trainer", optax.sgd(0.1)), tx.Optimizer)
    assert isinstance(as_optimizer("Trainer", {...: "sgd"}), tx.Optimizer)


def test_an_unknown_name_is_refused_with_the_close_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"Trainer: .*Did you mean .*'adan'"):
        as_optimizer("Trainer", "adanx")
