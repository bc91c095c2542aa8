from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X, assert_same


def loss(model: Stateful, x: Any, remat: bool) -> Any:
    call = tx.remat(model) if remat else model
    return call(call(x)).sum()


@pytest.mark.parametrize("compile_", [False, True])
def test_the_same_gradients_and_the_same_state(compile_: bool) -> None:
    """State changes once, although the function is computed twice."""
    grad = tx.grad(lambda model, x: loss(model, x, True))
    model, other = Stateful(), Stateful()
    grads = (tx.jit(grad) if compile_ else grad)(model, X[0])
    assert_same(grads, tx.grad(lambda model, x: loss(model, x, False))(other, X[0]))
    assert_same(model, other)
    assert int(model.count) == 2


def test_without_gradients_it_is_the_function() -> None:
    model, other = Stateful(), Stateful()
    assert_same(tx.remat(model)(X[0]), other(X[0]))
    assert_same(model, other)


def test_intermediates_are_not_kept() -> None:
    def f(x: Any, remat: bool) -> Any:
        g: Any = lambda x: jnp.sin(jnp.sin(jnp.sin(x)))  # noqa: E731
        return (tx.remat(g) if remat else g)(x).sum()

    def kept(remat: bool) -> int:
        _, pullback = jax.vjp(lambda x: f(x, remat), X)
        return len(jax.tree.leaves(pullback))

    assert kept(True) < kept(False)


def test_a_policy_says_what_is_kept() -> None:
    everything = jax.checkpoint_policies.everything_saveable
    f = tx.remat(policy=everything, prevent_cse=False)(lambda x: jnp.sin(x).sum())
    assert_same(jax.grad(f)(X), jnp.cos(X))


def test_methods_in_class_bodies_static_arguments_and_strings() -> None:
    class Net(tx.Module):
        w: jax.Array = tx.Parameter.node()

        def __init__(self) -> None:
            self.w = jnp.array(2.0)

        @tx.remat(static_argnums=2)
        def power(self, x: Any, n: int) -> Any:
            return self.w * x**n if isinstance(n, int) else None

        @tx.checkpoint
        def moded(self, x: Any, mode: str) -> Any:
            return self.w * x if mode == "times" else None

    net = Net()
    assert float(net.power(3.0, 2)) == 18.0
    assert float(net.moded(3.0, "times")) == 6.0
    assert float(net.moded(3.0, mode="times")) == 6.0


def test_an_exception_changes_nothing() -> None:
    def fail(model: Stateful) -> None:
        model(X[0])
        raise ValueError("later")

    model = Stateful()
    with untouched(model), pytest.raises(ValueError, match="later"):
        tx.remat(fail)(model)


def test_structure_changes_come_out() -> None:
    def grow(model: Stateful) -> Any:
        model.calls += 1
        model.extra = Stateful()
        return model

    model = Stateful()
    assert tx.remat(grow)(model) is model
    assert (model.calls, type(model.extra)) == (1, Stateful)


def test_layers_are_created_inside_init() -> None:
    class Net(tx.Module):
        def __init__(self) -> None:
            self.layer = tx.nn.Linear(2)

        def __call__(self, x: Any) -> Any:
            return tx.remat(self.layer)(x)

    assert Net().init(0, X).layer.kernel.shape == (3, 2)
