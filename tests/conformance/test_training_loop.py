"""A whole training loop inside transformations equals the loop in Python over explicit state.

Model, optimizer and metric all change at every step; nothing but modules is handed on.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.conformance.explicit import State, assert_same, explicit, parameters
from treexlite import nn

XS = jax.random.normal(jax.random.key(0), (4, 6, 3))
YS = XS.sum(-1, keepdims=True) ** 2
OPTIMIZER = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1))


class Mean(tx.Module):
    """A running mean of the loss."""

    total: jax.Array = tx.MetricState.node()
    count: jax.Array = tx.MetricState.node()

    def __init__(self) -> None:
        self.total, self.count = jnp.zeros(()), jnp.zeros((), jnp.int32)

    def update(self, value: jax.Array) -> None:
        self.total, self.count = self.total + value, self.count + 1


class Training(tx.Module):
    """All that a training loop changes."""

    def __init__(self, model: tx.Module, optimizer: tx.Optimizer) -> None:
        self.model, self.optimizer, self.metric = model, optimizer, Mean()

    def step(self, x: jax.Array, y: jax.Array) -> jax.Array:
        def loss_fn(model: Any) -> jax.Array:
            return ((model(x) - y) ** 2).mean()

        loss, grads = tx.value_and_grad(tx.remat(loss_fn))(self.model)
        self.optimizer.update(grads, self.model)
        self.metric.update(loss)
        return loss


def training() -> Training:
    model = nn.Sequential(
        nn.BatchNorm(momentum=0.9), nn.Repeated(nn.Linear(3), 2), nn.Dropout(0.5), nn.Linear(1)
    ).init(0, XS[0])
    return Training(model, tx.Optimizer(OPTIMIZER).init(model))


def by_hand() -> tuple[jax.Array, Any, Any]:
    """The loop in Python with explicit state: losses, state of the model, state of optax."""
    model = training().model
    pure = explicit(model)

    def loss_fn(inside: State, rest: State, x: jax.Array, y: jax.Array) -> Any:
        preds, after = pure({**inside, **rest}, x)
        return ((preds - y) ** 2).mean(), after

    @jax.jit
    def step(state: State, opt_state: Any, x: jax.Array, y: jax.Array) -> Any:
        inside, rest = parameters(state, model)
        (loss, after), grads = jax.value_and_grad(loss_fn, has_aux=True)(inside, rest, x, y)
        updates, opt_state = OPTIMIZER.update(grads, opt_state, inside)
        return loss, {**after, **optax.apply_updates(inside, updates)}, opt_state

    state = model.state_dict()
    opt_state = OPTIMIZER.init(parameters(state, model)[0])
    losses = []
    for x, y in zip(XS, YS, strict=True):
        loss, state, opt_state = step(state, opt_state, x, y)
        losses.append(loss)
    return jnp.stack(losses), state, opt_state


def compiled(state: Training) -> jax.Array:
    step = tx.jit(Training.step, donate=True)
    return jnp.stack([step(state, x, y) for x, y in zip(XS, YS, strict=True)])


def scanned(state: Training) -> jax.Array:
    def body(state: Training, batch: Any) -> Any:
        return state, state.step(*batch)

    return tx.jit(lambda state: tx.scan(body, state, (XS, YS))[1])(state)


def looped(state: Training) -> jax.Array:
    """With a number of steps that is not known while tracing."""

    @tx.jit
    def run(state: Training, num_steps: jax.Array) -> jax.Array:
        def body(i: jax.Array, carry: Any) -> Any:
            state, losses = carry
            return state, losses.at[i].set(state.step(XS[i], YS[i]))

        return tx.fori_loop(0, num_steps, body, (state, jnp.zeros(len(XS))))[1]

    return run(state, jnp.array(len(XS)))


@pytest.fixture(scope="module")
def expected() -> tuple[jax.Array, Any, Any]:
    return by_hand()


@pytest.mark.parametrize("run", [compiled, scanned, looped])
def test_a_training_loop(run: Any, expected: Any) -> None:
    state = training()
    losses = run(state)
    found = losses, state.model.state_dict(), jax.tree.leaves(state.optimizer.opt_state)
    assert_same(found, (*expected[:2], jax.tree.leaves(expected[2])), rtol=1e-4, atol=1e-4)
    assert int(state.optimizer.step) == int(state.metric.count) == len(XS)
    np.testing.assert_allclose(state.metric.total, losses.sum(), rtol=1e-5)


def test_many_training_loops_at_once_equal_each() -> None:
    """Of models that were stacked, each with an optimizer and keys of its own."""
    states = [training() for _ in range(2)]
    states[1].model.layers[2].key = jax.random.PRNGKey(7)
    state = tx.stack(states)
    step = tx.jit(tx.vmap(Training.step, in_axes=(0, None, None)))
    losses = jnp.stack([step(state, x, y) for x, y in zip(XS[:2], YS[:2], strict=True)], 1)
    for found, own, of_own in zip(tx.unstack(state), states, losses, strict=True):
        step_alone = tx.jit(Training.step)
        alone = jnp.stack([step_alone(own, x, y) for x, y in zip(XS[:2], YS[:2], strict=True)])
        assert_same(of_own, alone, rtol=1e-4)
        assert_same(found.state_dict(), own.state_dict(), rtol=1e-4, atol=1e-4)
