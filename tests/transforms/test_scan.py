from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same
from treexlite._errors import ArgumentError, CapturedModuleError, ShapeError, StructureError


def looped(step: Any, carry: Any, xs: Any) -> Any:
    ys = []
    for x in xs:
        carry, y = step(carry, x)
        ys.append(y)
    return carry, jnp.stack(ys)


def step(carry: Any, x: Any) -> Any:
    model, h = carry
    h = model(h + x)
    return (model, h), h.sum()


@pytest.mark.parametrize("compile_", [False, True])
def test_a_module_in_the_carry_is_changed_in_place(compile_: bool) -> None:
    model, other = Stateful(), Stateful()
    scan = tx.jit(lambda carry: tx.scan(step, carry, X)) if compile_ else None
    carry = (model, jnp.zeros(3))
    (same, h), ys = tx.scan(step, carry, X) if scan is None else scan(carry)
    (_, expected_h), expected_ys = looped(step, (other, jnp.zeros(3)), X)
    assert same is model
    assert_same((h, ys), (expected_h, expected_ys))
    assert_same(model, other)


def test_self_of_a_bound_method_is_carried() -> None:
    model, other = Stateful(), Stateful()
    assert_same(tx.scan(model.pair, 0.0, X), looped(other.pair, 0.0, X))
    assert_same(model, other)


def test_a_module_in_the_slices_is_written_slice_by_slice() -> None:
    layers = [Stateful() for _ in range(4)]
    stacked = tx.stack(layers)
    h, counts = tx.scan(lambda h, layer: (layer(h), layer.count), X[0], stacked)
    expected = X[0]
    for layer in layers:
        expected = layer(expected)
    assert_same(h, expected)
    assert_same(stacked, tx.stack(layers))
    assert counts.tolist() == [1, 1, 1, 1]


def test_modules_in_the_outputs_are_snapshots() -> None:
    model = Stateful()

    def f(carry: Any, x: Any) -> Any:
        model, _ = carry
        model(x)
        return carry, (model.copy(), x)

    (_, _), (copies, _) = tx.scan(f, (model, 0), X)
    assert copies.count.tolist() == [1, 2, 3, 4]
    assert int(model.count) == 4


def test_slices_that_are_returned_are_the_users_object() -> None:
    stacked = tx.stack([Stateful(), Stateful()])

    def f(carry: Any, layer: Stateful) -> Any:
        layer.count = layer.count + 5
        return carry, layer

    _, same = tx.scan(f, None, stacked)
    assert same is stacked
    assert stacked.count.tolist() == [5, 5]


def test_a_carry_may_be_replaced_by_another_module() -> None:
    model = Stateful()
    with untouched(model):
        last, _ = tx.scan(lambda m, x: (m.replace(w=m.w + x), None), model, X)
    assert last is not model
    assert_same(last.w, model.w + X.sum(0))


def test_a_module_that_is_written_and_replaced_is_refused() -> None:
    def f(model: Stateful, x: Any) -> Any:
        model(x)
        return model.copy(), None

    model = Stateful()
    with untouched(model), pytest.raises(StructureError, match="written to, and another"):
        tx.scan(f, model, X)


def test_shared_modules_in_the_carry_stay_one() -> None:
    model, other = Stateful(), Stateful()

    def f(carry: Any, x: Any) -> Any:
        one, two = carry
        return carry, one(x) + two(x)

    (one, two), ys = tx.scan(f, (model, model), X)
    _, expected = looped(f, (other, other), X)
    assert one is two is model
    assert_same(ys, expected)
    assert_same(model, other)


def test_gradients_through_scan_and_remat() -> None:
    def lifted(model: Stateful, remat: bool) -> Any:
        f = tx.remat(step) if remat else step
        return tx.scan(f, (model, jnp.zeros(3)), X)[1].sum()

    def by_hand(model: Stateful) -> Any:
        return looped(step, (model, jnp.zeros(3)), X)[1].sum()

    expected = tx.grad(by_hand)(Stateful())
    for remat in (False, True):
        assert_same(tx.grad(lambda m, r=remat: lifted(m, r))(Stateful()), expected)


def test_reverse_length_and_unroll() -> None:
    model, other = Stateful(), Stateful()
    assert_same(
        tx.scan(model.pair, 0.0, X, reverse=True, unroll=2)[0], looped(other.pair, 0.0, X[::-1])[0]
    )
    assert_same(model, other)
    carry, ys = tx.scan(lambda c, x: (c + 1, x), 0, None, length=3)
    assert (int(carry), ys) == (3, None)


def test_no_steps_change_nothing() -> None:
    model = Stateful()
    carry, ys = tx.scan(model.pair, 0.0, X[:0])
    assert (float(carry), ys.shape) == (0.0, (0, 3))
    assert_same(model, Stateful())


class Bad(tx.Module):
    n: jax.Array = tx.State.node()

    def __init__(self) -> None:
        self.n = jnp.array(0, jnp.int32)
        self.calls = 0

    def static(self, c: Any, x: Any) -> Any:
        self.calls += 1
        return c, x

    def dtype(self, c: Any, x: Any) -> Any:
        self.n = jnp.ones((2,))
        return c, x

    def tree(self, c: Any, x: Any) -> Any:
        return (c, c), x

    def single(self, c: Any, x: Any) -> Any:
        return c


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("static", StructureError, r"State\.node"),
        ("dtype", ShapeError, r"field `.*n` .*int32\[\], received float32\[2\]"),
        ("tree", StructureError, "carry like the one it was given"),
        ("single", ArgumentError, r"`\(carry, y\)`"),
    ],
)
def test_steps_that_do_not_fit(name: str, error: Any, message: str) -> None:
    bad = Bad()
    with untouched(bad), pytest.raises(error, match=message):
        tx.scan(getattr(bad, name), 0, X)


def test_a_captured_module_cannot_be_written() -> None:
    model = Stateful()
    with untouched(model), pytest.raises(CapturedModuleError, match="`key`"):
        tx.scan(lambda c, x: (c, model(x)), 0, X)


def test_a_module_in_carry_and_slices_is_refused() -> None:
    stacked = tx.stack([Stateful(), Stateful()])
    with pytest.raises(StructureError, match="in both"):
        tx.scan(lambda m, x: (m, None), stacked, stacked)


def test_layers_are_created_inside_init() -> None:
    class Net(tx.Module):
        def __init__(self) -> None:
            self.cell = tx.nn.Linear(3)

        def step(self, h: Any, x: Any) -> Any:
            h = jnp.tanh(self.cell(h + x))
            return h, h

        def __call__(self, xs: Any) -> Any:
            return tx.scan(self.step, jnp.zeros(3), xs)[1]

    net = Net().init(0, X)
    assert net.cell.kernel.shape == (3, 3)
    assert net(X).shape == (4, 3)


def test_the_body_is_traced_once() -> None:
    traces: list[int] = []

    def f(model: Stateful, x: Any) -> Any:
        traces.append(1)
        model(x)
        return model, None

    tx.scan(f, Stateful(), X)
    assert len(traces) == 1


def test_layers_are_created_inside_init_over_no_steps_too() -> None:
    class Net(tx.Module):
        def __init__(self) -> None:
            self.linear = tx.nn.Linear(3)

        def __call__(self, xs: Any) -> Any:
            return tx.scan(lambda linear, x: (linear, linear(x)), self.linear, xs)[1]

    net = Net().init(0, X[:0])
    assert net.linear.kernel.shape == (3, 3)
    assert net(X[:0]).shape == X[:0].shape
