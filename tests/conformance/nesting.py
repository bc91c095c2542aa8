"""Transformations in pairs: each one as it is lifted, and as it is written by hand.

A step takes `(model, x)` and returns an array like `x`; its explicit version takes `(state, x)` and
returns `(y, state)`. Every entry of `LIFTED` turns a step into a step, and the entry of `PLAIN`
with the same name turns an explicit step into an explicit step, so that they can be nested in any
order and to any depth.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

import treexlite as tx
from tests.conformance.explicit import Calls, State, lanes
from treexlite import nn

Step: TypeAlias = Callable[[Any, jax.Array], jax.Array]
Explicit: TypeAlias = Callable[[State, jax.Array], tuple[jax.Array, State]]

X = jnp.linspace(-1.0, 1.5, 12).reshape(4, 3)


class Quick(tx.Module):
    """A parameter, statistics and noise from few operations: what is nested is compiled often."""

    w: jax.Array = tx.Parameter.node()
    mean: jax.Array = tx.BatchStat.node()
    key: jax.Array = tx.Rng.node()

    def __init__(self) -> None:
        self.w, self.mean = jnp.array([0.5, -1.0, 2.0]), jnp.zeros(3)
        self.key = jnp.array([1, 2], jnp.uint32)

    def __call__(self, x: jax.Array) -> jax.Array:
        self.mean = 0.9 * self.mean + 0.1 * jax.lax.stop_gradient(x.mean(0))
        self.key = self.key * np.uint32(1664525) + np.uint32(1013904223)
        kept = (self.key[1] >> jnp.arange(3, dtype=jnp.uint32)) % 2
        return (x - self.mean) * self.w * kept


class Everything(tx.Module):
    """A layer in a model with data of every kind, all of which a call changes."""

    layer: tx.Module
    calls: jax.Array = Calls.node()
    skipped: jax.Array = Calls.node()
    last: jax.Array = tx.Log.node()
    seen: jax.Array = tx.MetricState.node()
    opt_state: Any = tx.OptState.node()

    def __init__(self, layer: tx.Module) -> None:
        self.layer = layer
        self.calls = jnp.zeros((), jnp.int32)
        self.skipped = jnp.zeros((), jnp.int32)
        self.last = jnp.zeros(())
        self.seen = jnp.zeros(())
        self.opt_state = optax.EmptyState(), {"count": jnp.zeros((), jnp.int32)}

    def __call__(self, x: jax.Array) -> jax.Array:
        y = jnp.tanh(self.layer(x))
        self.calls += 1
        self.last = y.sum()
        self.seen = self.seen + self.last
        empty, state = self.opt_state
        self.opt_state = empty, {"count": state["count"] + 1}
        return y


QUICK = Everything(Quick())
LAYERED = Everything(nn.Sequential(nn.Linear(3), nn.BatchNorm(momentum=0.9), nn.Dropout(0.5))).init(
    0, X
)
KINDS = {info.path: info.kind for model in (QUICK, LAYERED) for info in model.fields()}


def of_kind(state: State, *kinds: type) -> State:
    """The part of a state that is of one of the kinds."""
    return {path: value for path, value in state.items() if issubclass(KINDS[path], kinds)}


def rest_of(state: State, part: State) -> State:
    return {path: value for path, value in state.items() if path not in part}


def two(x: jax.Array) -> jax.Array:
    return jnp.stack([x, 0.5 - x])


# Each transformation as it is lifted.


def jit(step: Step) -> Step:
    return tx.jit(step)


def grad(step: Step) -> Step:
    def differentiated(model: Any, x: jax.Array) -> jax.Array:
        def loss_fn(model: Any, x: jax.Array) -> jax.Array:
            return (step(model, x) * jnp.cos(X)).sum()

        loss, (of_model, of_x) = tx.value_and_grad(loss_fn, argnums=(0, 1))(model, x)
        return of_x + loss + sum(leaf.sum() for leaf in of_model.state_dict().values())

    return differentiated


def vmap(step: Step) -> Step:
    own = tx.Not(tx.Any(tx.Parameter, tx.Rng))
    axes = {tx.Parameter: None, tx.Rng: None, ...: 0}

    def mapped(model: Any, x: jax.Array) -> jax.Array:
        lanes = model.map(two_equal, own)
        y = tx.vmap(step, in_axes=(axes, 0))(lanes, two(x))
        model.update(lanes.map(lambda value: value[0], own), inplace=True)
        return y.mean(0)

    return mapped


def two_equal(value: jax.Array) -> jax.Array:
    return jnp.stack([value, value])


def scan(step: Step) -> Step:
    def looped(model: Any, x: jax.Array) -> jax.Array:
        def body(model: Any, x: jax.Array) -> Any:
            return model, step(model, x)

        return tx.scan(body, model, two(x))[1].mean(0)

    return looped


def cond(step: Step) -> Step:
    def skip(model: Any, x: jax.Array) -> jax.Array:
        model.skipped += 1
        return x

    def chosen(model: Any, x: jax.Array) -> jax.Array:
        return tx.cond(model.calls < 100, step, skip, model, x)

    return chosen


def remat(step: Step) -> Step:
    return tx.remat(step)


def fori_loop(step: Step) -> Step:
    def looped(model: Any, x: jax.Array) -> jax.Array:
        def body(i: Any, carry: Any) -> Any:
            model, x = carry
            return model, x + 0.5 * step(model, x)

        return tx.fori_loop(0, 2, body, (model, x))[1]

    return looped


def while_loop(step: Step) -> Step:
    def looped(model: Any, x: jax.Array) -> jax.Array:
        def body(carry: Any) -> Any:
            i, model, x = carry
            return i + 1, model, x + 0.5 * step(model, x)

        return tx.while_loop(lambda carry: carry[0] < 2, body, (0, model, x))[2]

    return looped


def custom_vjp(step: Step) -> Step:
    custom = tx.custom_vjp(step)

    def forward(model: Any, x: jax.Array) -> Any:
        return step(model, x), (model.parameters(), x)

    def backward(residuals: Any, cotangent: jax.Array) -> Any:
        before, x = residuals
        return before.map(lambda value: value * cotangent.sum()), x * cotangent

    custom.defvjp(forward, backward)
    return custom


def jvp(step: Step) -> Step:
    def moved(model: Any, x: jax.Array) -> jax.Array:
        y, change = tx.jvp(step, (model, x), (model.parameters().map(jnp.cos), jnp.cos(x)))
        return y + change

    return moved


# The same by hand.


def plain_jit(step: Explicit) -> Explicit:
    return jax.jit(step)


def plain_grad(step: Explicit) -> Explicit:
    def differentiated(state: State, x: jax.Array) -> tuple[jax.Array, State]:
        inside = of_kind(state, tx.Parameter)
        rest = rest_of(state, inside)

        def loss_fn(inside: State, x: jax.Array) -> tuple[jax.Array, State]:
            y, after = step({**inside, **rest}, x)
            return (y * jnp.cos(X)).sum(), after

        run = jax.value_and_grad(loss_fn, (0, 1), has_aux=True)
        (loss, after), (of_model, of_x) = run(inside, x)
        return of_x + loss + sum(leaf.sum() for leaf in of_model.values()), after

    return differentiated


def plain_vmap(step: Explicit) -> Explicit:
    def mapped(state: State, x: jax.Array) -> tuple[jax.Array, State]:
        shared = of_kind(state, tx.Parameter)
        split = {path: lanes(key, 2) for path, key in of_kind(state, tx.Rng).items()}
        own = {path: two_equal(value) for path, value in rest_of(state, shared).items()}
        own.update({path: keys for path, (_, keys) in split.items()})
        axes = {path: None if path in shared else 0 for path in state}
        y, after = jax.vmap(step, in_axes=(axes, 0))({**shared, **own}, two(x))
        state = {path: value[0] for path, value in after.items()}
        return y.mean(0), {**state, **{path: key for path, (key, _) in split.items()}}

    return mapped


def plain_scan(step: Explicit) -> Explicit:
    def looped(state: State, x: jax.Array) -> tuple[jax.Array, State]:
        def body(state: State, x: jax.Array) -> tuple[State, jax.Array]:
            y, state = step(state, x)
            return state, y

        state, ys = jax.lax.scan(body, state, two(x))
        return ys.mean(0), state

    return looped


def plain_cond(step: Explicit) -> Explicit:
    def skip(state: State, x: jax.Array) -> tuple[jax.Array, State]:
        return x, {**state, "skipped": state["skipped"] + 1}

    return lambda state, x: jax.lax.cond(state["calls"] < 100, step, skip, state, x)


def plain_remat(step: Explicit) -> Explicit:
    return jax.checkpoint(step)


def plain_fori_loop(step: Explicit) -> Explicit:
    def looped(state: State, x: jax.Array) -> tuple[jax.Array, State]:
        def body(i: Any, carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
            y, state = step(*carry)
            return state, carry[1] + 0.5 * y

        state, x = jax.lax.fori_loop(0, 2, body, (state, x))
        return x, state

    return looped


def plain_while_loop(step: Explicit) -> Explicit:
    def looped(state: State, x: jax.Array) -> tuple[jax.Array, State]:
        def body(carry: Any) -> Any:
            i, state, x = carry
            y, state = step(state, x)
            return i + 1, state, x + 0.5 * y

        _, state, x = jax.lax.while_loop(lambda carry: carry[0] < 2, body, (0, state, x))
        return x, state

    return looped


def plain_custom_vjp(step: Explicit) -> Explicit:
    custom = jax.custom_vjp(step)

    def forward(state: State, x: jax.Array) -> Any:
        return step(state, x), (state, x)

    def backward(residuals: tuple[State, jax.Array], cotangent: Any) -> Any:
        state, x = residuals
        inside = of_kind(state, tx.Parameter)
        total = cotangent[0].sum()
        return {path: inside[path] * total if path in inside else None for path in state}, (
            x * cotangent[0]
        )

    custom.defvjp(forward, backward)
    return custom


def plain_jvp(step: Explicit) -> Explicit:
    def moved(state: State, x: jax.Array) -> tuple[jax.Array, State]:
        inside = of_kind(state, tx.Parameter)
        rest = rest_of(state, inside)

        def run(inside: State, x: jax.Array) -> tuple[jax.Array, State]:
            return step({**inside, **rest}, x)

        directions = jax.tree.map(jnp.cos, (inside, x))
        y, change, after = jax.jvp(run, (inside, x), directions, has_aux=True)
        return y + change, after

    return moved


LIFTED: dict[str, Callable[[Step], Step]] = {
    f.__name__: f
    for f in (jit, grad, vmap, scan, cond, remat, fori_loop, while_loop, custom_vjp, jvp)
}
PLAIN: dict[str, Callable[[Explicit], Explicit]] = {
    "jit": plain_jit,
    "grad": plain_grad,
    "vmap": plain_vmap,
    "scan": plain_scan,
    "cond": plain_cond,
    "remat": plain_remat,
    "fori_loop": plain_fori_loop,
    "while_loop": plain_while_loop,
    "custom_vjp": plain_custom_vjp,
    "jvp": plain_jvp,
}
IMPOSSIBLE = {
    ("grad", "while_loop"): "JAX has no reverse-mode derivative of it",
    ("jvp", "custom_vjp"): "JAX has no forward-mode derivative of it",
}
