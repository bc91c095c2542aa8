import json
import math
import struct
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from treexlite._errors import ArgumentError
from treexlite.checkpoints import _plain

keys = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
atoms = keys | st.floats() | st.complex_numbers() | st.binary()
data = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.sets(keys, max_size=3)
        | st.frozensets(keys, max_size=3)
        | st.dictionaries(keys | st.tuples(keys), inner, max_size=3)
    ),
    max_leaves=8,
)


def exactly(value: Any) -> Any:
    """A form in which only what is the same to the bit is equal."""
    if type(value) is dict:
        return dict, [(exactly(key), exactly(item)) for key, item in value.items()]
    if type(value) in (list, tuple):
        return type(value), list(map(exactly, value))
    if type(value) in (set, frozenset):
        return type(value), sorted(map(repr, map(exactly, value)))
    if type(value) is float:
        return float, struct.pack("d", value)
    if type(value) is complex:
        return complex, struct.pack("dd", value.real, value.imag)
    return type(value), value


@settings(max_examples=examples(100))
@given(data)
def test_plain_data_comes_back_to_the_bit(value: Any) -> None:
    text = json.dumps(_plain.encode(value), allow_nan=False)
    assert exactly(_plain.decode(json.loads(text))) == exactly(value)
    assert _plain.is_plain(value)


def test_what_json_confuses_stays_apart() -> None:
    value = {1: "int", "1": "str", "true": True}
    assert exactly(_plain.decode(_plain.encode(value))) == exactly(value)
    assert math.copysign(1, _plain.decode(_plain.encode(-0.0))) == -1


@pytest.mark.parametrize("value", [object(), np.float64(1.0), [np.zeros(2)], {"a": {"b": abs}}])
def test_what_is_not_plain_is_refused_with_its_place(value: Any) -> None:
    assert not _plain.is_plain(value)
    with pytest.raises(ArgumentError, match=r"^save: expected plain data [^$]* is ever pickled"):
        _plain.encode(value, "save")
    with pytest.raises(ArgumentError, match="at `a/1"):
        _plain.encode({"a": [1, value]})


@pytest.mark.parametrize(
    "node",
    [
        {"$call": "os.system"},
        {"$float": "7ff8", "x": 1},
        {"$float": "7ff8"},
        {"$float": 3},
        {"$complex": "00"},
        {"$bytes": "?"},
        {"$tuple": "abc"},
        {"$set": [[1]]},
        {"$dict": [[1]]},
        {"$dict": 3},
    ],
)
def test_foreign_nodes_are_refused(node: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        _plain.decode(node)


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_of_any_length_come_back(sign: int) -> None:
    for value in (2**63, 2**4096, 10**6000):
        text = json.dumps(_plain.encode({"n": sign * value}))
        assert _plain.decode(json.loads(text)) == {"n": sign * value}
    with pytest.raises(ValueError, match=r"."):
        _plain.decode({"$int": "g"})
