import collections
import functools
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._core._carried import array_in_collection, carried_module

SCALE = Scale()


def around(value: Any) -> Any:
    """A function that closes over `value`."""
    return lambda x: (x, value)


class Plain:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self) -> None: ...

    def copy(self) -> None: ...


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner


def marked(value: Any) -> Any:
    def f() -> None: ...

    f.value = value  # type: ignore[attr-defined]
    return f


CARRIERS = {
    "itself": lambda m: m,
    "method": lambda m: m.copy,
    "closure": around,
    "closure in a closure": lambda m: around(around(m)),
    "attribute of a function": marked,
    "partial": lambda m: functools.partial(max, m),
    "partial by name": lambda m: functools.partial(max, key=m),
    "partial of a method": lambda m: functools.partial(m.copy),
    "list": lambda m: [1, [m]],
    "dict": lambda m: {"k": (m,)},
    "set": lambda m: {m},
    "deque": lambda m: collections.deque([m]),
    "user list": lambda m: collections.UserList([m]),
    "user dict": lambda m: collections.UserDict(k=m),
    "mapping proxy": lambda m: types.MappingProxyType({"k": m}),
    "namespace": lambda m: types.SimpleNamespace(k=m),
    "object": Plain,
    "object with slots": Slotted,
    "method of an object": lambda m: Plain(m).copy,
    "jitted": lambda m: tx.jit(m.copy),
    "differentiated": lambda m: tx.grad(m),
    "jitted by jax": lambda m: jax.jit(m.copy),
    "object in a list in a closure": lambda m: around([Plain(m)]),
}


@pytest.mark.parametrize("make", CARRIERS.values(), ids=CARRIERS.keys())
def test_a_carried_module_is_found(make: Any) -> None:
    assert carried_module(make(SCALE)) is SCALE


@pytest.mark.parametrize("make", CARRIERS.values(), ids=CARRIERS.keys())
def test_other_things_in_the_same_places_are_not_modules(make: Any) -> None:
    assert carried_module(make(Plain(3))) is None


class Loop:
    def __init__(self) -> None:
        self.me = [self]


@pytest.mark.parametrize(
    "value", [3, "text", None, jnp.ones(1), np.ones(1), len, Scale, jnp, np.dtype("f4"), Loop()]
)
def test_plain_values_carry_nothing(value: Any) -> None:
    assert carried_module(value) is None


def test_an_empty_cell_carries_nothing() -> None:
    def make() -> Any:
        def f() -> Any:
            return late

        found = carried_module(f)
        late = SCALE
        return found, late

    assert make()[0] is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda v: {1: v}.values().mapping,
        lambda v: collections.deque([v]),
        lambda v: collections.UserList([v]),
        lambda v: collections.UserDict(k=v),
        lambda v: collections.ChainMap({"k": v}),
        lambda v: types.SimpleNamespace(k=v),
    ],
    ids=["proxy", "deque", "user list", "user dict", "chain map", "namespace"],
)
def test_arrays_right_in_a_collection_that_jax_does_not_know_are_found(wrap: Any) -> None:
    assert array_in_collection(wrap(jnp.ones(1)))
    assert not array_in_collection(wrap(1.0))
    assert not array_in_collection(wrap(np.ones(1)))


def test_arrays_elsewhere_are_not_a_matter_of_collections() -> None:
    assert not array_in_collection([jnp.ones(1)])
    assert not array_in_collection(jnp.ones(1))
