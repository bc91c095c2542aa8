from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, ShapeError, StructureError


class Machine(Stateful):
    def going(self, x: Any) -> Any:
        return self.count < 3

    def go(self, x: Any) -> Any:
        return self(x)

    def indexed(self, i: Any, x: Any) -> Any:
        return self(x + i)


def test_a_while_loop_carries_self_of_both_functions() -> None:
    """The condition sees what the body wrote, because both are methods of one module."""
    machine, other = Machine(), Machine()
    x = tx.while_loop(machine.going, machine.go, X[0])
    expected = X[0]
    while other.going(expected):
        expected = other.go(expected)
    assert_same(x, expected)
    assert_same(machine, other)


def test_a_module_in_the_carry_of_a_while_loop() -> None:
    model, other = Stateful(), Stateful()

    def body(carry: Any) -> Any:
        return {"model": carry["model"], "x": carry["model"](carry["x"])}

    out = tx.jit(lambda c: tx.while_loop(lambda c: c["model"].count < 2, body, c))(
        {"model": model, "x": X[0]}
    )
    assert out["model"] is model
    assert_same(out["x"], other(other(X[0])))
    assert_same(model, other)


def test_a_loop_that_does_not_run_changes_nothing() -> None:
    model = Stateful()
    assert tx.while_loop(lambda m: m.count < 0, lambda m: m, model) is model
    assert_same(model, Stateful())


def test_a_condition_that_writes_is_refused() -> None:
    def cond(model: Stateful) -> Any:
        return model.bump(0.0).sum() > 1

    model = Stateful()
    with untouched(model), pytest.raises(StructureError, match="cond_fun"):
        tx.while_loop(cond, lambda model: model, model)


def test_fori_loop() -> None:
    machine, other = Machine(), Machine()
    out = tx.fori_loop(1, 4, machine.indexed, X[0])
    expected = X[0]
    for i in range(1, 4):
        expected = other.indexed(i, expected)
    assert_same(out, expected)
    assert_same(machine, other)


def test_fori_loop_has_gradients() -> None:
    def lifted(machine: Machine) -> Any:
        return tx.fori_loop(0, 3, machine.indexed, X[0]).sum()

    def by_hand(machine: Machine) -> Any:
        x = X[0]
        for i in range(3):
            x = machine.indexed(i, x)
        return x.sum()

    # `machine` is what the methods are bound to inside: a captured copy of the argument
    assert_same(tx.grad(lifted)(Machine()), tx.grad(by_hand)(Machine()))


@pytest.mark.parametrize("loop", ["while", "fori"])
def test_bodies_that_do_not_fit(loop: str) -> None:
    def run(body: Any, carry: Any) -> Any:
        if loop == "while":
            return tx.while_loop(lambda c: False, body, carry)
        return tx.fori_loop(0, 2, lambda i, c: body(c), carry)

    def static(model: Stateful) -> Stateful:
        model.calls += 1
        return model

    model = Stateful()
    with untouched(model):
        with pytest.raises(StructureError, match=r"State\.node"):
            run(static, model)
        with pytest.raises(ShapeError, match=r"the carry to keep .*float32\[3\]"):
            run(lambda x: x[0], jnp.zeros(3))
        with pytest.raises(StructureError, match="carry like"):
            run(lambda x: (x, x), 0)
    with pytest.raises(ArgumentError, match="'text'"):
        run(lambda x: x, ["text"])


def test_layers_are_created_inside_init() -> None:
    class Net(tx.Module):
        def __init__(self) -> None:
            self.a, self.b = tx.nn.Linear(3), tx.nn.Linear(3)

        def __call__(self, x: Any) -> Any:
            x = tx.fori_loop(0, 2, lambda i, x: x, x)
            x = tx.fori_loop(0, 2, self.body, x)
            return tx.while_loop(lambda x: x.sum() > 10, self.b, x)

        def body(self, i: Any, x: Any) -> Any:
            return self.a(x)

    net = Net().init(0, X)
    assert net.a.kernel.shape == net.b.kernel.shape == (3, 3)
