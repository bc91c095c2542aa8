import collections
import contextlib
import dataclasses
import functools
import itertools
import logging
import random
import sys
import threading
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._core._statics import Static, fresh, is_volatile, static_key


@dataclasses.dataclass
class Options:
    rate: float
    names: list[str]


@dataclasses.dataclass(frozen=True)
class Fixed:
    rate: float
    names: Any = ()


@dataclasses.dataclass
class HandWritten:
    rate: float

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7


Point = collections.namedtuple("Point", "x y")


def times(factor: Any) -> Any:
    return lambda x: x * factor


def counter() -> Any:
    count = [0]

    def f() -> int:
        count[0] += 1
        return count[0]

    return f


EQUAL = [
    lambda: float("nan"),
    lambda: complex(float("nan"), -0.0),
    lambda: (1, [2.0, {"k": {3, 4}}]),
    lambda: np.array([1.0, float("nan")]),
    lambda: np.array(["a", None, 1.5], dtype=object),
    lambda: np.float32(2),
    lambda: np.zeros((0, 3)),
    lambda: jnp.arange(3),
    lambda: Options(0.1, ["a"]),
    lambda: Fixed(0.1, [1]),
    lambda: Point(1, [2]),
    lambda: collections.OrderedDict(a=1),
    lambda: bytearray(b"ab"),
    lambda: slice(1, 2.0, None),
    lambda: times(2.0),
    lambda: times((1, "a")),
    lambda: times(times(3)),
    lambda: functools.partial(times, 2),
    lambda: functools.partial(times(2), x=[1]),
    lambda: jax.nn.initializers.orthogonal(),
    lambda: np.dtype("int8"),
]


@pytest.mark.parametrize("make", EQUAL)
def test_equal_content_has_equal_keys(make: Any) -> None:
    assert static_key(make()) == static_key(make())
    assert hash(static_key(make())) == hash(static_key(make()))


DIFFERENT = [
    (1, True),
    (1, 1.0),
    (1.0, 1 + 0j),
    (0.0, -0.0),
    (0j, -0j),
    ("1", 1),
    ([1], (1,)),
    ((1, 2), Point(1, 2)),
    ({1}, frozenset({1})),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    (np.arange(3), np.arange(3.0)),
    (np.zeros((2, 3)), np.zeros((3, 2))),
    (np.zeros(0), np.zeros((0, 1))),
    (np.float32(1), np.float64(1)),
    (np.arange(3), [0, 1, 2]),
    (np.array([1, None], dtype=object), np.array([True, None], dtype=object)),
    (slice(1), slice(1.0)),
    (times(2), times(2.0)),
    (times(1), times(True)),
    (lambda x: x + 1, lambda x: x - 1),
    (lambda x, k=1: x, lambda x, k=2: x),
    (lambda x, *, k=1: x, lambda x, *, k=True: x),
    (functools.partial(max, 1), functools.partial(max, 1.0)),
    (functools.partial(max, 1), functools.partial(min, 1)),
    (Options(0.1, ["a"]), Options(0.1, ["b"])),
    (Fixed(1), Fixed(1.0)),
    (jnp.float32, jnp.float16),
    (None, ...),
    (bytearray(b"a"), b"a"),
]


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_different_programs_have_different_keys(one: Any, two: Any) -> None:
    assert static_key(one) != static_key(two)


def test_functions_over_something_that_can_change_are_compared_by_identity() -> None:
    one, two = counter(), counter()
    assert static_key(one) == static_key(one)
    assert static_key(one) != static_key(two)
    for content in ([1], {"a": 1}, np.ones(2), Scale()):
        assert static_key(times(content)) != static_key(times(content))


def test_functions_with_attributes_are_compared_by_identity() -> None:
    def make() -> Any:
        def f() -> None: ...

        f.mode = "train"  # type: ignore[attr-defined]
        return f

    one, two = make(), make()
    assert static_key(one) != static_key(two)
    assert static_key(one) == static_key(one)


def test_functions_of_other_globals_are_told_apart() -> None:
    source = "def f(): return K"
    one: dict[str, Any] = {"K": 1}
    two: dict[str, Any] = {"K": 2}
    code = compile(source, "same", "exec")
    exec(code, one)
    exec(code, two)
    assert static_key(one["f"]) != static_key(two["f"])


def test_functions_that_close_over_themselves_have_a_key() -> None:
    def loop(n: int) -> int:
        return loop(n - 1) if n else 0

    assert static_key(loop) == static_key(loop)


def test_a_function_with_an_empty_cell_has_a_key() -> None:
    def make() -> Any:
        def f() -> Any:
            return late

        key = static_key(f)
        late = 1
        return f, key, late

    f, key, _ = make()
    assert key == ("id", id(f))


def test_bound_methods_are_compared_by_function_and_object() -> None:
    one, two = Fixed(1), Fixed(1)
    assert static_key(one.__eq__) == static_key(one.__eq__)
    assert static_key(Scale().copy) != static_key(Scale().copy)
    assert static_key(one.__repr__) != static_key(two.__repr__)


@dataclasses.dataclass
class Link:
    next: Any = None


class Cyclic:
    def __init__(self) -> None:
        self.me, self.all, self.link = self, [self, {"k": self}], Link(self)


@pytest.mark.parametrize(
    "value",
    [
        logging.getLogger("treexlite.tests.statics"),
        Cyclic(),
        threading.Lock(),
        threading.local(),
        np.random.default_rng(0),
        random.Random(0),
        weakref.ref(Options),
        itertools.count(),
        sys.modules[__name__],
        contextlib.nullcontext(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_everyday_objects_have_a_key_and_keep_it(value: Any) -> None:
    assert static_key(value) == static_key(value)
    assert fresh(value) is value
    model = Scale()
    model.thing = value
    fast = tx.jit(lambda m, x: m(x))
    fast(model, 1.0), fast(model, 1.0)
    assert fast.cache_size() == 1
    assert model.copy().thing is value


def test_using_a_logger_does_not_retrace() -> None:
    model = Scale()
    model.logger = logging.getLogger("treexlite.tests.used")

    @tx.jit
    def fast(model: Scale, x: Any) -> Any:
        model.logger.debug("traced")
        return model(x)

    for _ in range(3):
        fast(model, 1.0)
        model.logger.debug("called")
    assert fast.cache_size() == 1


def test_a_hand_written_equality_is_respected() -> None:
    assert static_key(HandWritten(1.0)) == static_key(HandWritten(2.0))


def test_modules_are_compared_by_identity() -> None:
    scale = Scale()
    assert static_key(scale) == static_key(scale)
    assert static_key(scale) != static_key(Scale())


def test_an_object_whose_hash_fails_is_compared_by_identity() -> None:
    class Bad:
        def __hash__(self) -> int:
            raise TypeError("unhashable today")

        def __eq__(self, other: object) -> bool:
            return True

    bad = Bad()
    assert static_key(bad) == static_key(bad) != static_key(Bad())


@pytest.mark.parametrize(
    "value",
    [[1], {"a": 1}, {1}, bytearray(), np.ones(1), (1, [2]), Options(1.0, []), Fixed(1, [2])],
)
def test_what_can_change_in_place_is_volatile(value: Any) -> None:
    assert is_volatile(value)


@pytest.mark.parametrize(
    "value", [1, "a", (1, "a"), frozenset({1}), len, None, Fixed(1), Point(1, 2)]
)
def test_what_cannot_change_is_not_volatile(value: Any) -> None:
    assert not is_volatile(value)


def test_a_read_only_array_is_not_volatile() -> None:
    array = np.ones(2)
    array.setflags(write=False)
    assert not is_volatile(array)


@pytest.mark.parametrize(
    ("value", "inner"),
    [
        ([[1]], lambda v: v[0]),
        ({"a": [1]}, lambda v: v["a"]),
        (([1],), lambda v: v[0]),
        (Point([1], 2), lambda v: v.x),
        (Options(1.0, ["a"]), lambda v: v.names),
        (Fixed(1.0, ["a"]), lambda v: v.names),
        (collections.OrderedDict(a=[1]), lambda v: v["a"]),
        (collections.defaultdict(list, a=[1]), lambda v: v["a"]),
    ],
)
def test_fresh_copies_share_no_mutable_part(value: Any, inner: Any) -> None:
    clone = fresh(value)
    assert type(clone) is type(value)
    assert clone == value
    assert inner(clone) is not inner(value)


def test_fresh_shares_what_cannot_change_and_copies_arrays() -> None:
    thing, array = object(), np.ones(2)
    clone = fresh([thing, array])
    assert clone[0] is thing
    assert clone[1] is not array
    np.testing.assert_array_equal(clone[1], array)


def test_statics_compare_by_content_and_do_not_follow_the_original() -> None:
    names = ["a"]
    one, two = Static(names), Static(["a"])
    assert one == two
    assert hash(one) == hash(two)
    names.append("b")
    assert one == two
    assert one.value == ["a"]
    assert one != Static(names)
    assert one != ["a"]
    assert repr(one) == "['a']"
