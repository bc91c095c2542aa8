"""A function that raises, wherever it does, leaves the user's objects as they were."""

from __future__ import annotations

import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests._core.modules import Counter, Net, Scale, X, make_net, no_tracers


class Stop(Exception):
    """Raised on purpose."""


class Fuse:
    """Burns at the k-th time it is lit."""

    def __init__(self) -> None:
        self.left = -1

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Stop


class State(tx.Module):
    """A network, an optimizer, and statics of all sorts."""

    total: Any = tx.State.node()

    def __init__(self) -> None:
        self.net = make_net()
        self.optimizer = tx.Optimizer(optax.adam(0.1)).init(self.net)
        self.counters = [Counter(), Counter()]
        self.names: dict[str, Any] = {"a": [1]}
        self.total = jnp.array(0.0)
        self.epoch = 0


def program(fuse: Fuse) -> Any:
    """A training step in which everything is written, with a fuse between any two steps."""

    def loss_fn(net: Net, state: State, x: Any) -> Any:
        fuse()
        loss = net(x).sum()
        fuse()
        state.counters[0].count()
        fuse()
        return loss

    def step(state: State, x: Any) -> Any:
        fuse()
        state.total = state.total + x.sum()
        fuse()
        loss, grads = tx.value_and_grad(loss_fn)(state.net, state, x)
        fuse()
        state.optimizer.update(grads, state.net)
        fuse()
        state.names["a"].append(2)
        state.epoch += 1
        fuse()
        state.counters.append(Counter(7))
        fuse()
        state.eval(inplace=True)
        fuse()
        tx.jit(lambda counter: (counter.count(), fuse()))(state.counters[1])
        fuse()
        state.extra = Scale(state.total)
        fuse()
        return loss

    return step


FUSES = 13


def snapshot(state: State) -> Any:
    """All that a user can see: bits, statics, modes, identities."""
    return (
        [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(state)],
        jax.tree.structure(state),
        copy.deepcopy(state.names),
        [(path, id(module), module.training) for path, module in state.modules()],
        [id(leaf) for leaf in jax.tree.leaves(state)],
        id(state.counters),
        id(state.names["a"]),
    )


def finish(state: State) -> list[Any]:
    return [np.asarray(leaf).tolist() for leaf in jax.tree.leaves(state)]


@pytest.mark.parametrize("donate", [False, True])
def test_wherever_it_raises_nothing_has_changed_and_the_next_call_works(donate: bool) -> None:
    fuse = Fuse()
    reference = State()
    tx.jit(program(fuse))(reference, X)
    assert fuse.left == -1 - FUSES, "FUSES counts them"
    expected = finish(reference)
    state = State()
    fast = tx.jit(program(fuse), donate=donate)
    before = snapshot(state)
    for k in range(1, FUSES + 1):
        fuse.left = k
        with pytest.raises(Stop):
            fast(state, X)
        assert snapshot(state) == before, k
        assert no_tracers(state)
        assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(state))
    fuse.left = -1
    fast(state, X)
    np.testing.assert_allclose(
        np.concatenate([np.ravel(leaf) for leaf in finish(state)]),
        np.concatenate([np.ravel(leaf) for leaf in expected]),
        rtol=1e-5,
    )
    assert (state.epoch, len(state.counters), state.names) == (1, 3, {"a": [1, 2]})
    assert not state.training


@pytest.mark.parametrize("donate", [False, True])
def test_a_later_trace_that_raises_changes_nothing_either(donate: bool) -> None:
    """The function has run for one shape already, and fails for the next."""

    @tx.jit(donate=donate)
    def step(state: State, x: Any) -> None:
        state.total = state.total + 1
        state.net(X)
        if x.shape[0] == 2:
            raise Stop

    state = State()
    step(state, jnp.ones(1))
    before = snapshot(state)
    with pytest.raises(Stop):
        step(state, jnp.ones(2))
    assert snapshot(state) == before
    step(state, jnp.ones(3))
    assert float(state.total) == 2.0


def test_an_error_in_grad_alone_changes_nothing() -> None:
    fuse, state = Fuse(), State()
    before = snapshot(state)

    def loss_fn(net: Net, state: State) -> Any:
        loss = net(X).sum()
        state.counters.clear()
        state.epoch += 1
        fuse()
        return loss

    for transform in (tx.grad, tx.value_and_grad):
        fuse.left = 1
        with pytest.raises(Stop):
            transform(loss_fn)(state.net, state)
        assert snapshot(state) == before
        assert no_tracers(state)


def test_an_error_that_the_outer_function_handles_keeps_the_outer_writes() -> None:
    def inner(counter: Counter) -> None:
        counter.count()
        raise Stop

    @tx.jit
    def outer(counter: Counter) -> None:
        counter.count()
        for transform in (tx.jit, tx.grad):
            try:
                transform(inner)(counter)
            except Stop:
                counter.count()

    counter = Counter()
    outer(counter)
    assert int(counter.n) == 3
