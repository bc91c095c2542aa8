import json
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.serving._specs import (
    ArraySpec,
    argument_spec,
    convert,
    decode,
    encode,
    is_leaf,
    spec_of,
)

SPEC = ArraySpec(("batch", 3), np.dtype("float32"))


class Pair(NamedTuple):
    x: Any
    y: Any


def test_a_tree_of_specs_is_plain_json_and_comes_back() -> None:
    small = ArraySpec((), np.dtype(jnp.bfloat16))
    tree = {"x": [SPEC, None], "y": ((), {"z": small})}
    again = decode(json.loads(json.dumps(encode(tree))))
    assert again == tree
    assert repr(again["x"][0]) == "ArraySpec(batch, 3; float32)"


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (3, "3 .* instead of a tree"),
        ({}, "instead of a tree"),
        ({"list": [], "tuple": []}, "instead of a tree"),
        ({"set": []}, "a 'set' with"),
        ({"list": {}}, "a 'list' with"),
        ({"dict": []}, "a 'dict' with"),
        ({"array": ["float32"]}, "an array of"),
        ({"array": [3, []]}, "an array of"),
        ({"array": ["float32", [-1]]}, "an array of shape"),
        ({"array": ["float32", [""]]}, "an array of shape"),
        ({"array": ["float32", [True]]}, "an array of shape"),
        ({"array": ["float32", "batch"]}, "an array of shape"),
        ({"array": ["object", []]}, "the dtype 'object'"),
    ],
)
def test_what_is_no_tree_of_specs_is_refused(node: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(node)


def test_convert_keeps_containers_and_names_places() -> None:
    places: list[str] = []

    def leaf(value: Any, path: str) -> Any:
        places.append(path)
        return value + 1

    assert convert("f", {"b": [1, (2,)], "a": None}, leaf, "in") == {"a": None, "b": [2, (3,)]}
    assert places == ["in['b'][0]", "in['b'][1][0]"]


@pytest.mark.parametrize("tree", [Pair(1, 2), [{"a": Pair(1, 2)}]])
def test_other_containers_are_refused(tree: Any) -> None:
    with pytest.raises(ArgumentError, match=r"f: expected dicts, tuples.*at `in.*Pair") as caught:
        convert("f", tree, lambda value, _: value, "in")
    assert "pass that as `call`" in caught.value.fix


def test_keys_are_strings() -> None:
    with pytest.raises(ArgumentError, match=r"strings as keys of the dict at `in`, received 3"):
        convert("f", {3: 1}, lambda value, _: value, "in")


def test_keys_can_be_written() -> None:
    with pytest.raises(ArgumentError, match=r"strings as keys of the dict at `in`, received '.ud8"):
        convert("f", {"\ud800": 1}, lambda value, _: value, "in")


def test_is_leaf() -> None:
    assert is_leaf(np.ones(2))
    assert not is_leaf([1])


def test_inputs_are_arrays_shapes_or_numbers() -> None:
    assert argument_spec(np.ones((2, 1)), "x").dtype == jnp.result_type(float)
    assert argument_spec(2, "x").shape == ()
    given = jax.ShapeDtypeStruct((4,), jnp.bfloat16)
    assert spec_of(argument_spec(given, "x")) == ArraySpec((4,), np.dtype(jnp.bfloat16))


@pytest.mark.parametrize("value", ["text", np.array(["a"]), jax.random.key(0), object()])
def test_what_is_no_array_of_numbers_is_no_input(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"export: expected an array of numbers.* at `x\[0\]`"):
        argument_spec(value, "x[0]")
