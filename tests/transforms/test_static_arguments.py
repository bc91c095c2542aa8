"""Static arguments leave a call and come back inside."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._errors import ArgumentError
from treexlite.transforms._static_arguments import StaticArguments, restore


def f(a: Any, b: Any, c: Any = 3, *, d: Any = 4) -> Any:
    return (a, b, c, d)


def static(argnums: Any = None, argnames: Any = None, known: int = 0, of: Any = f) -> Any:
    return StaticArguments("test", of, argnums, argnames, known)


@pytest.mark.parametrize(
    ("argnums", "argnames", "known", "positions", "names"),
    [
        (None, None, 0, (), ()),
        (1, None, 0, (1,), ("b",)),
        (-1, None, 0, (2,), ("c",)),
        (None, "c", 0, (2,), ("c",)),
        ((0, 1), ["d"], 0, (0, 1), ("d", "a", "b")),
        (0, None, 1, (1,), ("b",)),
    ],
)
def test_positions_and_names_complete_each_other(
    argnums: Any, argnames: Any, known: int, positions: Any, names: Any
) -> None:
    found = static(argnums, argnames, known)
    assert (found.positions, found.names) == (positions, names)
    assert bool(found) == bool(positions)


def test_a_call_is_split_and_restored() -> None:
    args, kwargs, statics = static(1, "d").split((1, ["x"]), {"d": 5, "c": 6})
    assert (args, kwargs) == ((1, None), {"c": 6})
    assert [place for place, _ in statics] == [1, "d"]
    assert restore((args, kwargs), statics) == ([1, ["x"]], {"c": 6, "d": 5})


def test_equal_contents_are_equal_and_equal_numbers_of_other_types_are_not() -> None:
    split = static(1).split
    assert split((0, [1, {"k": 2}]), {})[2] == split((7, [1, {"k": 2}]), {})[2]
    assert split((0, 1), {})[2] != split((0, 1.0), {})[2]
    assert hash(split((0, [1]), {})[2]) == hash(split((0, [1]), {})[2])


def test_what_the_function_does_to_a_static_list_stays_inside() -> None:
    names = ["a"]
    _, _, statics = static(1).split((0, names), {})
    restore(((0, None), {}), statics)[0][1].append("b")
    names.append("c")
    assert restore(((0, None), {}), statics)[0][1] == ["a"]


def test_an_omitted_argument_is_not_static() -> None:
    assert static(2).split((1, 2), {}) == ((1, 2), {}, ())


def test_a_function_without_a_signature_takes_positions_as_they_are() -> None:
    assert static((0, -1), of=max).positions == (0, -1)
    assert static((0, -1), of=lambda *args: 0).split((1, 2, 3), {})[0] == (None, 2, None)


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"argnums": 3}, "received static_argnums=3"),
        ({"argnums": -4}, "received static_argnums=-4"),
        ({"argnums": 2, "known": 1}, "received static_argnums=3"),
        ({"argnames": "e"}, "received static_argnames='e'"),
    ],
)
def test_an_argument_that_the_function_does_not_have_is_refused(
    options: Any, received: str
) -> None:
    with pytest.raises(ArgumentError, match=f"^test: expected .*among .*a, b, c.* {received}"):
        static(**options)


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("never asked")


def test_what_has_no_hash_is_compared_by_identity() -> None:
    one, other = Unhashable(), Unhashable()
    split = static(1).split
    assert split((0, one), {})[2] == split((0, one), {})[2] != split((0, other), {})[2]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Scale(), "static argument 1 to hold no module, received a Scale in it"),
        ([{"k": Scale()}], "hold no module, received a Scale"),
        (Scale().init, "hold no module, received a Scale"),
        ((lambda scale: lambda: scale)(Scale()), "hold no module, received a Scale"),
        (jax.random.key(0), "compared by content, received array"),
    ],
    ids=["module", "nested", "method", "closure", "key"],
)
def test_values_that_cannot_be_static(value: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        static(1).split((0, value), {})


def test_a_traced_static_argument_is_refused_by_name() -> None:
    with pytest.raises(ArgumentError, match="static argument `b` to be known while tracing"):
        jax.jit(lambda x: static(1).split((0,), {"b": x}))(1)


def test_jit_refuses_a_static_module() -> None:
    fast = tx.jit(lambda x, model: model(x), static_argnums=1)
    with pytest.raises(ArgumentError, match=r"^jit: .*hold no module.*Pass the module as an ord"):
        fast(jnp.ones(()), Scale())
