"""Trees with one thing for each output."""

from collections import namedtuple

import numpy as np
import pytest

from treexlite._errors import ArgumentError, StructureError
from treexlite.training._trees import (
    as_one,
    check_known,
    check_weights,
    is_tree,
    label,
    leaves,
    part_at,
    steps,
    weights_at,
)

Pair = namedtuple("Pair", "a b")


def test_leaves_have_paths() -> None:
    tree = {"a": [1, None], "b": Pair(2, (3,))}
    assert dict(leaves(tree)) == {
        ("a", 0): 1,
        ("a", 1): None,
        ("b", "a"): 2,
        ("b", "b", 0): 3,
    }
    assert dict(leaves("mse")) == {(): "mse"}
    assert [is_tree(value) for value in (tree, "mse", np.ones(2))] == [True, False, False]


def test_paths_are_written_as_users_write_them() -> None:
    assert label(("a", 0)) == "['a'][0]"
    assert (steps(None), steps("a"), steps(0), steps(["a", 0])) == ((), ("a",), (0,), ("a", 0))


def test_one_array_of_weights_counts_for_all_below_it() -> None:
    weights = np.ones(3)
    assert weights_at("fit", weights, ("a", "x")) is weights
    assert weights_at("fit", {"a": weights}, ("a", "x")) is weights
    assert weights_at("fit", [None, weights], (1,)) is weights
    assert weights_at("fit", Pair(weights, None), ("a",)) is weights


def test_what_has_no_weights_gets_none() -> None:
    weights = np.ones(3)
    assert weights_at("fit", None, ("a",)) is None
    assert weights_at("fit", {"a": weights}, ("b",)) is None
    assert weights_at("fit", [weights, None], (1,)) is None
    assert weights_at("fit", Pair(weights, None), ("b",)) is None


def test_a_list_of_weights_is_as_long_as_that_of_the_outputs() -> None:
    for weights, step in (([np.ones(3)], 1), ([np.ones(3)], "b"), (Pair(1, 2), "c")):
        with pytest.raises(StructureError, match="mse: expected `sample_weight` to have a part at"):
            weights_at("mse", weights, (step,))


def test_a_missing_part_says_what_there_is() -> None:
    assert part_at("mse", "preds", {"a": [1, 2]}, ("a", 1)) == 2
    message = (
        r"mse: expected `preds` to have a part at \['a'\]\['b'\], received a list of 2, which has"
    )
    with pytest.raises(StructureError, match=message + " no 'b'. Use the same keys in losses"):
        part_at("mse", "preds", {"a": [1, 2]}, ("a", "b"))


def test_a_tree_in_place_of_an_array_is_explained() -> None:
    message = "mse: expected one array of targets and one of predictions, received {'a'"
    for error in (TypeError, ValueError):
        with pytest.raises(StructureError, match=message), as_one("mse", 1, {"a": np.ones(2)}):
            raise error
        with pytest.raises(error), as_one("mse", 1, 2):
            raise error
    with pytest.raises(ArgumentError), as_one("mse", {"a": 1}):
        check_known("fit", "w", [("b",)], [], "a loss")


def test_several_weights_for_one_thing_are_refused() -> None:
    with pytest.raises(StructureError, match="mse: expected one array of `sample_weight` for what"):
        weights_at("mse", {"a": np.ones(3)}, ())


def test_paths_to_nothing_are_refused() -> None:
    check_known("fit", "w", [("a",), ()], [("a", "x")], "a loss")
    message = r"fit: expected each part of `w` to be for an output that has a loss \(\['a'\]\)"
    with pytest.raises(ArgumentError, match=message + r", received w\['b'\]\. Use the keys"):
        check_known("fit", "w", [("b",)], [("a",)], "a loss")


def test_weights_that_nobody_reads_are_refused() -> None:
    check_weights("fit", np.ones(3), [])
    check_weights("fit", {"a": np.ones(3), "b": None}, [("a",)])
    with pytest.raises(ArgumentError, match=r"received sample_weight\['A'\]"):
        check_weights("fit", {"A": np.ones(3)}, [("a",)])
