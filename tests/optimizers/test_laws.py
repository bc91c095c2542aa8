"""What holds for an optimizer with any option: one meaning, one program, frozen parts stay."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import content, untouched
from tests.optimizers.models import (
    EVERY_OPTION,
    MODEL,
    assert_close,
    gradients,
    groups,
    leaves_equal,
    make,
    named,
    train_step,
    with_option,
)
from treexlite._errors import StructureError

OPTIMIZERS = {name: (lambda name=name: with_option(name)) for name in EVERY_OPTION}
OPTIMIZERS["groups"] = groups


class Both(tx.Module):
    def __init__(self, model: Any, optimizer: tx.Optimizer) -> None:
        self.model, self.optimizer = model, optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_the_same_eagerly_compiled_and_donated(name: str) -> None:
    def make_both() -> Both:
        model = make()
        return Both(model, OPTIMIZERS[name]().init(model))

    eager, fast, plain = make_both(), make_both(), make_both()
    compiled = tx.jit(train_step, donate=True)

    @jax.jit
    def returned(both: Both) -> Both:
        train_step(both.model, both.optimizer)
        return both

    for _ in range(4):
        train_step(eager.model, eager.optimizer)
        compiled(fast.model, fast.optimizer)
        plain = returned(plain)
    assert compiled.cache_size() == 1
    assert returned._cache_size() == 1
    for other in (fast, plain):
        assert jax.tree.structure(eager) == jax.tree.structure(other)
        for one, two in zip(*map(jax.tree.leaves, (eager, other)), strict=True):
            assert one.dtype == two.dtype
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
    assert not leaves_equal(named(eager.model), named(MODEL))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_frozen_stays_bit_for_bit(name: str, when: str) -> None:
    model = make()
    if when == "before":
        model.first.freeze(inplace=True)
    optimizer = OPTIMIZERS[name]().init(model)
    model.first.freeze(inplace=True)
    weights, bias = model.first.w, model.first.b
    for _ in range(2):
        optimizer.update(gradients(), model)
        optimizer.update(tx.grad(lambda m: m(jnp.ones((2, 4))).sum())(model), model)
    assert model.first.w is weights
    assert model.first.b is bias
    assert not np.array_equal(model.last.w, MODEL.last.w)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_unfrozen_joins_and_trains(name: str) -> None:
    model = make()
    model.first.freeze(inplace=True)
    optimizer = OPTIMIZERS[name]().init(model)
    optimizer.update(gradients(), model)
    model.unfreeze(inplace=True)
    for _ in range(4):
        optimizer.update(gradients(), model)
    assert not np.array_equal(model.first.w, MODEL.first.w)
    assert int(optimizer.step) == 5


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_failed_update_leaves_model_and_optimizer_as_they_were(name: str) -> None:
    model = make()
    optimizer = OPTIMIZERS[name]().init(model)
    optimizer.update(gradients(), model)
    before = content(optimizer)
    with untouched(model), pytest.raises(StructureError, match="last/w"):
        optimizer.update({**gradients(), "last/w": jnp.ones(7)}, model)
    assert content(optimizer) == before


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nothing_is_broadcast_silently(name: str) -> None:
    with jax.numpy_rank_promotion("raise"):
        model = make()
        optimizer = OPTIMIZERS[name]().init(model)
        for _ in range(2):
            optimizer.update(gradients(), model)
    assert int(optimizer.step) == 2


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_built_alike_share_their_programs(name: str) -> None:
    fast = tx.jit(lambda m, o: o.update(gradients(), m))
    for _ in range(2):
        model = make()
        fast(model, OPTIMIZERS[name]().init(model))
    assert fast.cache_size() == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_may_be_returned_alone(name: str) -> None:
    model, other = make(), make()
    one, two = OPTIMIZERS[name]().init(model), OPTIMIZERS[name]().init(other)
    for _ in range(2):
        updates = one.update(gradients(), model, apply_updates=False).state_dict()
        model.load_state_dict(
            {path: x + updates[path] for path, x in named(model).items()}, strict=False
        )
        two.update(gradients(), other)
    assert_close(named(model), named(other))
