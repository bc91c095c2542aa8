"""The explicit-state version of a layer: what every lifted transformation is compared with.

`explicit(model, f)` is `f` as a pure function over `{path: array}`: it builds a copy of the model,
loads the state, calls `f`, and returns the state afterwards. The laws put plain JAX around it, and
the transformation under test around `f` itself; outputs, derivatives and all state must agree. What
is drawn, counted or chosen must agree exactly, floats to a few units in the last place.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, LAYERS, Layer

State: TypeAlias = dict[str, jax.Array]


class Calls(tx.State):
    """A kind as a user defines it."""


class Counted(tx.Module):
    """A layer in a module that has state of its own, so that every row has some to lose."""

    layer: tx.Module
    calls: jax.Array = Calls.node()
    skipped: jax.Array = Calls.node()
    last: jax.Array = tx.Log.node()

    def __init__(self, layer: tx.Module) -> None:
        self.layer = layer
        self.calls = jnp.zeros((), jnp.int32)
        self.skipped = jnp.zeros((), jnp.int32)
        self.last = jnp.zeros(())

    def __call__(self, x: jax.Array) -> jax.Array:
        y = self.layer(x)
        self.calls += 1
        self.last = y.mean()
        return y

    def step(self, total: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The body of a loop over inputs."""
        y = self(x)
        return total + self.last, y

    def use(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """Call the layer, as one of several branches."""
        return self(x)

    def skip(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """Write to another field than a call does."""
        self.skipped += 1
        return y + self.last


@functools.cache
def _built(name: str) -> Counted:
    row = next(row for row in LAYERS if row.name == name)
    return Counted(row.build())


def counted(row: Layer, number: int = 0) -> Counted:
    """Return the layer of a row, in training mode, with counters around it.

    Models of different `number` have the same structure and other data, keys included.
    """
    model = _built(row.name).copy()
    return model.map(lambda value: value + number) if number else model


def call(model: Any, x: jax.Array) -> jax.Array:
    """The function that most laws transform."""
    return model(x)


def explicit(model: Any, f: Callable[..., Any] = call) -> Callable[..., tuple[Any, State]]:
    """Return `f` as a pure function: `pure(state, *args)` is `(output, state afterwards)`."""
    template = model.copy()

    def pure(state: State, *args: Any) -> tuple[Any, State]:
        copy = template.copy()
        copy.load_state_dict(state)
        return f(copy, *args), copy.state_dict()

    return pure


def together(row: Layer, lifted: Any, plain: Any) -> tuple[Any, Any]:
    """Return both functions as they are for the families, and compiled for the other rows.

    An eager derivative compiles each operation alone, which is dear for layers of many.
    """
    return (lifted, plain) if row in FAMILIES else (tx.jit(lifted), jax.jit(plain))


def parameters(state: State, model: Any) -> tuple[State, State]:
    """Return the part of a state that is differentiated, and the rest."""
    chosen = model.state_dict(tx.Parameter)
    inside = {path: value for path, value in state.items() if path in chosen}
    return inside, {path: value for path, value in state.items() if path not in chosen}


def assert_same(actual: Any, expected: Any, rtol: float = 1e-5, atol: float = 1e-5) -> None:
    """Two trees of arrays are the same: integers and keys exactly, floats nearly."""
    found, structure = jax.tree_util.tree_flatten_with_path(actual)
    wanted, other = jax.tree_util.tree_flatten_with_path(expected)
    assert structure == other
    for (path, value), (_, want) in zip(found, wanted, strict=True):
        name = jax.tree_util.keystr(path)
        assert value.dtype == want.dtype, name
        assert value.shape == want.shape, name
        if jnp.issubdtype(value.dtype, jnp.inexact):
            np.testing.assert_allclose(value, want, rtol=rtol, atol=atol, err_msg=name)
        else:
            np.testing.assert_array_equal(value, want, err_msg=name)


def stacked(states: list[State]) -> State:
    """Stack states by hand."""
    return {path: jnp.stack([state[path] for state in states]) for path in states[0]}


def lanes(key: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
    """Split a raw key, or an array of them, by hand: the advanced key, and one for each lane."""
    if key.ndim == 1:
        keys = jax.random.split(key, size + 1)
        return keys[0], keys[1:]
    advanced, own = zip(*(lanes(one, size) for one in key), strict=True)
    return jnp.stack(advanced), jnp.stack(own, 1)


def mapped(
    plain: Callable[..., Any], model: Any, f: Callable[..., Any], size: int, *per_lane: type
) -> Callable[[State, jax.Array], tuple[Any, State]]:
    """Return `f` mapped over inputs by a plain JAX transformation, with the state by hand.

    Args:
        plain: `jax.vmap` or `jax.pmap`.
        model: whose state it is. Every lane has its own key, and the key advances once.
        f: a function of `(model, x)`.
        size: how many lanes.
        per_lane: the kinds of which every lane has its own; of the others all have the same.
    """
    keyed = model.state_dict(tx.Rng)
    own = model.state_dict(tx.Any(*per_lane)) if per_lane else {}
    axes = {path: 0 if path in keyed or path in own else None for path in model.state_dict()}
    run = plain(explicit(model, f), in_axes=(axes, 0))

    def mapped_by_hand(state: State, xs: jax.Array) -> tuple[Any, State]:
        split = {path: lanes(state[path], size) for path in keyed}
        ys, after = run({**state, **{path: keys for path, (_, keys) in split.items()}}, xs)
        shared = {path: value[0] for path, value in after.items() if path not in own}
        moved = {path: key for path, (key, _) in split.items()}
        return ys, {**after, **shared, **moved}

    return mapped_by_hand


def agreeing(model: Any, x: jax.Array, axis: str) -> jax.Array:
    """Call a model in one lane of many, and let all lanes write the same."""
    y = model(x)
    for info in list(model.fields(tx.Any(tx.BatchStat, tx.Log))):
        setattr(info.module, info.name, jax.lax.pmean(info.value, axis))
    return y
