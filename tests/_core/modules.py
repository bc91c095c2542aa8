"""Small modules, and the law that every way of running a program has the same meaning.

The unit tests of the core use these instead of `tx.nn`, so that a fault of a layer is not taken for
one of the core.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx
from treexlite._core._lazy import is_lazy


class Scale(tx.Module):
    """One parameter that exists from the start: `x * w`."""

    w: jax.Array = tx.Parameter.node()

    def __init__(self, w: Any = 1.0) -> None:
        self.w = jnp.asarray(w, jnp.float32)

    def __call__(self, x: Any) -> Any:
        return x * self.w


def draw(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Numbers that depend on the key: not random, but quick to compile."""
    start = jax.random.key_data(key)[-1] % 1000
    return jnp.sin(start.astype(jnp.float32) + jnp.arange(math.prod(shape))).reshape(shape)


class Dense(tx.Module):
    """A layer that learns the size of its input at `init`."""

    w: jax.Array = tx.Parameter.node()
    b: jax.Array | None = tx.Parameter.node()

    def __init__(self, features: int, bias: bool = True) -> None:
        self.features = features
        if not bias:
            self.b = None

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.initializing():
            if is_lazy(self.w):
                self.w = draw(tx.next_key(), (x.shape[-1], self.features))
            if is_lazy(self.b):
                self.b = jnp.zeros(self.features)
        y = x @ self.w
        return y if self.b is None else y + self.b


class Counter(tx.Module):
    """State that counts calls."""

    n: jax.Array = tx.State.node()

    def __init__(self, n: int = 0) -> None:
        self.n = jnp.asarray(n)

    def count(self) -> jax.Array:
        self.n = self.n + 1
        return self.n


class Norm(tx.Module):
    """BatchNorm as a user would write it: a running mean, created at `init`."""

    scale: jax.Array = tx.Parameter.node()
    mean: jax.Array = tx.BatchStat.node()

    def __call__(self, x: jax.Array) -> jax.Array:
        if self.initializing():
            self.scale = jnp.ones(x.shape[-1])
            self.mean = jnp.zeros(x.shape[-1])
        if self.training and not self.frozen:
            self.mean = 0.5 * self.mean + 0.5 * x.mean(0)
        return (x - self.mean) * self.scale


class Noise(tx.Module):
    """Dropout as a user would write it: a key that is split and stored back."""

    key: jax.Array = tx.Rng.node()

    def __init__(self) -> None:
        self.key = tx.Initializer(lambda key: key)

    def __call__(self, x: jax.Array) -> jax.Array:
        self.key, key = jax.random.split(self.key)
        return x + jax.random.normal(key, x.shape)


class Net(tx.Module):
    """Layers in a list, a norm, a shared layer, and a plain counter."""

    def __init__(self) -> None:
        self.layers = [Dense(3), Dense(2)]
        self.norm = Norm()
        self.calls = 0

    def __call__(self, x: jax.Array) -> jax.Array:
        self.calls += 1
        for layer in self.layers:
            x = jnp.tanh(layer(x))
        return self.norm(x)


class Zoo(tx.Module):
    """Everything at once, with values from the start: what mutations are tried on."""

    a: jax.Array = tx.Parameter.node()
    n: jax.Array = tx.State.node()

    def __init__(self) -> None:
        self.a = jnp.array(2.0)
        self.n = jnp.array(0)
        self.kids = [Scale(1.0), Scale(2.0)]
        self.named = {"z": Scale(3.0), "a": Scale(4.0)}
        self.hits = 0


X = jnp.arange(8.0).reshape(2, 4) / 8


def make_net() -> Net:
    """An initialised `Net` for inputs like `X`."""
    return Net().init(0, X)


def content(tree: Any) -> Any:
    """Everything about a tree that may be compared: structure, modes, statics and data."""
    return jax.tree.structure(tree), [
        (jax.tree_util.keystr(path), np.asarray(leaf).tolist())
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    ]


def sharing(tree: Any) -> list[str]:
    """The first path of every module, shared ones once."""
    return [path for path, _ in tree.modules()]


def assert_same(one: Any, two: Any) -> None:
    """Two modules have the same structure, statics, modes, sharing and data (to rounding)."""
    assert jax.tree.structure(one) == jax.tree.structure(two)
    assert sharing(one) == sharing(two)
    for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=1e-5, atol=1e-6)


def assert_one_meaning(
    mutate: Callable[..., Any], make: Callable[[], Any], *args: Any, plain: bool = True
) -> Any:
    """`mutate(module, *args)` does the same eagerly, under `tx.jit`, and under plain `jax.jit`.

    Each way runs twice, so that the second run meets what the first one left behind.

    Args:
        mutate: the program.
        make: builds the module.
        args: passed on.
        plain: whether to try `jax.jit` too (it cannot keep sharing, and cannot leave parts out).

    Returns:
        The module after the jitted runs.
    """
    eager, jitted = make(), make()
    fast = tx.jit(mutate)
    for _ in range(2):
        expected = mutate(eager, *args)
        received = fast(jitted, *args)
        assert jax.tree.structure(expected) == jax.tree.structure(received)
        for x, y in zip(jax.tree.leaves(expected), jax.tree.leaves(received), strict=True):
            np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=1e-5, atol=1e-6)
        assert_same(eager, jitted)
    assert no_tracers(jitted)
    if plain:

        @jax.jit
        def returned(module: Any, *args: Any) -> Any:
            mutate(module, *args)
            return module

        module = returned(returned(make(), *args), *args)
        assert_same(eager, module)
    return jitted


def no_tracers(tree: Any) -> bool:
    """Whether every leaf is a concrete value."""
    return not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))


@contextmanager
def untouched(*modules: Any) -> Iterator[None]:
    """Check that the block leaves modules as they were, down to the identity of every part."""
    before = [_identity(module) for module in modules]
    yield
    assert [_identity(module) for module in modules] == before


def _identity(module: Any) -> Any:
    return (
        jax.tree.structure(module),
        [id(leaf) for leaf in jax.tree.leaves(module)],
        [(path, id(member), sorted(vars(member))) for path, member in module.modules()],
        [
            (path, name, id(value), list(map(id, value)))
            for path, member in module.modules()
            for name, value in vars(member).items()
            if isinstance(value, (list, dict))
        ],
    )
