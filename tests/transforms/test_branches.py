from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, CapturedModuleError, ShapeError, StructureError


def counts(model: Stateful, x: Any) -> Any:
    return model.bump(x)


def remembers(model: Stateful, x: Any) -> Any:
    model.memory = model.memory + x
    return x


@pytest.mark.parametrize("pred", [True, False])
@pytest.mark.parametrize("compile_", [False, True])
def test_the_branches_write_different_fields(pred: bool, compile_: bool) -> None:
    model, other = Stateful(), Stateful()

    def choose(model: Stateful, pred: Any, x: Any) -> Any:
        return tx.cond(pred, counts, remembers, model, x)

    out = (tx.jit(choose) if compile_ else choose)(model, pred, X[0])
    expected = (counts if pred else remembers)(other, X[0])
    assert_same(out, expected)
    assert_same(model, other)


def test_methods_of_one_module_as_branches() -> None:
    model, other = Stateful(), Stateful()
    for index in (2, 0, 1, 7):
        out = tx.switch(index, [model.bump, model, lambda x: x], X[1])
        expected = [other.bump, other, lambda x: x][min(index, 2)](X[1])
        assert_same(out, expected)
        assert_same(model, other)


def test_gradients_flow_through_the_chosen_branch() -> None:
    def loss(model: Stateful, pred: Any) -> Any:
        return tx.cond(pred, counts, remembers, model, X[0]).sum()

    assert_same(tx.grad(loss)(Stateful(), True).w, X[0])
    assert_same(tx.grad(loss)(Stateful(), False).w, jnp.zeros(3))


def test_a_mapped_predicate_selects_lane_by_lane() -> None:
    def f(model: Stateful, pred: Any) -> Any:
        tx.cond(pred, counts, remembers, model, X[0])

    stacked = tx.stack([Stateful(), Stateful()])
    tx.vmap(f)(stacked, jnp.array([True, False]))
    one, two = Stateful(), Stateful()
    counts(one, X[0])
    remembers(two, X[0])
    assert_same(stacked, tx.stack([one, two]))


def test_a_module_that_is_returned_is_the_users_object() -> None:
    model = Stateful()

    def grow(model: Stateful, x: Any) -> Any:
        model.calls += 1
        model.count = model.count + x
        return model, x

    same, _ = tx.cond(True, grow, grow, model, 1)
    assert same is model
    assert (model.calls, int(model.count)) == (1, 1)


def test_branches_that_leave_the_same_new_structure() -> None:
    model = Stateful()

    def attach(model: Stateful, x: Any) -> Any:
        model.extra = tx.nn.BatchNorm().init(0, X)
        model.extra.mean = x

    def attach_and_count(model: Stateful, x: Any) -> Any:
        attach(model, 2 * x)
        model.count = model.count + 1

    tx.cond(False, attach, attach_and_count, model, X[0])
    assert_same(model.extra.mean, 2 * X[0])
    assert int(model.count) == 1


def once(model: Stateful, x: Any) -> Any:
    model.calls += 1
    return x


def wide(model: Stateful, x: Any) -> Any:
    model.memory = jnp.zeros(5)
    return x


@pytest.mark.parametrize(
    ("one", "two", "error", "message"),
    [
        (once, counts, StructureError, r"State\.node"),
        (lambda m, x: x, lambda m, x: (x, x), StructureError, "same tree"),
        (lambda m, x: x, lambda m, x: x[0], ShapeError, r"the output to have one shape"),
        (wide, remembers, ShapeError, r"field `.*memory` .*float32\[5\]"),
    ],
)
def test_branches_that_do_not_fit(one: Any, two: Any, error: Any, message: str) -> None:
    model = Stateful()
    with untouched(model), pytest.raises(error, match=message):
        tx.cond(True, one, two, model, X[0])


@pytest.mark.parametrize("value", [None, (1.0, 2.0)])
def test_a_field_that_holds_another_tree_after_one_branch_is_named(value: Any) -> None:
    def forgets(model: Stateful, x: Any) -> Any:
        model.memory = value
        return x

    model = Stateful()
    with untouched(model), pytest.raises(StructureError, match="field `memory` to have one struc"):
        tx.cond(True, forgets, remembers, model, X[0])


def test_a_captured_module_cannot_be_written() -> None:
    model = Stateful()
    with untouched(model), pytest.raises(CapturedModuleError):
        tx.cond(True, lambda x: model(x), lambda x: x, X[0])


def test_a_switch_needs_a_branch() -> None:
    with pytest.raises(ArgumentError, match="at least one branch"):
        tx.switch(0, [], 1.0)


def test_numbers_of_weak_type_are_converted() -> None:
    out = tx.cond(True, lambda x: x, lambda x: 1.0, jnp.float32(2))
    assert out.dtype == jnp.float32


def test_layers_are_created_in_both_branches_inside_init() -> None:
    class Net(tx.Module):
        def __init__(self) -> None:
            self.a, self.b = tx.nn.Linear(2), tx.nn.Linear(2)

        def __call__(self, x: Any) -> Any:
            return tx.cond(x.sum() > 0, self.a, self.b, x)

    net = Net().init(0, X)
    assert net.a.kernel.shape == net.b.kernel.shape == (3, 2)
    assert net(X).shape == (4, 2)


def test_each_branch_is_traced_once() -> None:
    traces: list[str] = []

    def branch(name: str) -> Any:
        def f(x: Any) -> Any:
            traces.append(name)
            return x

        return f

    jax.jit(lambda p: tx.cond(p, branch("yes"), branch("no"), 1.0))(True)
    assert sorted(traces) == ["no", "yes"]
