"""Selection by `on`, weights laid over examples, and labels that have to have a class."""

from collections import namedtuple
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import RangeError, ShapeError, StructureError
from treexlite._samples import align_weights, check_labels, hide_absent, select

Heads = namedtuple("Heads", ["price", "kind"])
TREE = {"heads": ("first", {"deep": "second"}), 0: "zero"}


@pytest.mark.parametrize(
    ("on", "part"),
    [
        (None, TREE),
        (0, "zero"),
        (("heads", 0), "first"),
        (("heads", -1, "deep"), "second"),
        (["heads", 0], "first"),
        ((), TREE),
    ],
)
def test_on_is_a_key_an_index_or_a_path(on: Any, part: Any) -> None:
    assert select("Loss", "preds", TREE, on) == part


def test_on_names_the_field_of_a_named_tuple() -> None:
    assert select("Loss", "preds", Heads("a", "b"), "kind") == "b"


@pytest.mark.parametrize(
    ("on", "received"),
    [
        ("head", "a dict with keys 'heads', 0, which has no 'head'"),
        (("heads", 2), "a tuple of 2, which has no 2"),
        (("heads", "deep"), "a tuple of 2, which has no 'deep'"),
    ],
)
def test_a_part_that_is_not_there_is_refused(on: Any, received: str) -> None:
    expected = rf"^Loss: expected a part of `preds` at on=.*, received {received}\. Name a key"
    with pytest.raises(StructureError, match=expected):
        select("Loss", "preds", TREE, on)


def test_an_array_is_not_indexed_by_on() -> None:
    with pytest.raises(StructureError, match=r"received array of shape \(3,\) and dtype float32"):
        select("Loss", "target", jnp.zeros(3), 0)


def test_weights_are_laid_along_the_leading_axes() -> None:
    weights = align_weights("Loss", np.array([1, 2]), (2, 2), jnp.float32)
    np.testing.assert_array_equal(weights, [[1, 1], [2, 2]])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.float16, np.float64])
def test_weights_take_the_dtype_of_the_values(dtype: Any) -> None:
    weights = align_weights("Loss", np.array([0, 1], dtype), (2,), jnp.float32)
    assert weights.dtype == jnp.float32
    np.testing.assert_array_equal(weights, [0, 1])


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 1), (2, 3, 1), (3, 2)])
def test_weights_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    message = (
        r"Loss: expected `sample_weight` to have the first axes of the values, of shape \(2, 3\), "
        r"received sample_weight\.shape=.*\. Give one weight per example \(shape \(2,\)\)"
    )
    with pytest.raises(ShapeError, match=message):
        align_weights("Loss", np.ones(shape), (2, 3), jnp.float32)


def test_absent_examples_hold_zeros_and_others_what_they_held() -> None:
    tree = {"labels": jnp.array([-1, 2]), "scores": jnp.array([[jnp.nan, 1], [3, 4]])}
    hidden = hide_absent(tree, np.array([0, 5]))
    np.testing.assert_array_equal(hidden["labels"], [0, 2])
    np.testing.assert_array_equal(hidden["scores"], [[0, 0], [3, 4]])
    assert jax.tree.map(jnp.result_type, hidden) == jax.tree.map(jnp.result_type, tree)


def test_what_has_no_axis_of_examples_is_not_hidden() -> None:
    weights = np.array([0, 1])
    assert hide_absent(7.0, weights) == 7.0
    np.testing.assert_array_equal(hide_absent(jnp.ones((3, 2)), weights), jnp.ones((3, 2)))


@pytest.mark.parametrize(("labels", "seen"), [([0, 3], "0 to 3"), ([-1, 2], "-1 to 2")])
def test_labels_without_a_class_are_refused(labels: list[int], seen: str) -> None:
    message = (
        "f: expected labels from 0 to 2, one for each of 3 classes, received labels from "
        rf"{seen}\. Number the classes from 0"
    )
    with pytest.raises(RangeError, match=message):
        check_labels("f", jnp.array(labels), 3)


def test_labels_that_cannot_be_seen_are_not_checked() -> None:
    check_labels("f", jnp.zeros(0, int), 3)
    jax.make_jaxpr(lambda labels: check_labels("f", labels, 3))(jnp.array([7]))


def test_labels_that_a_trace_closes_over_are_looked_at() -> None:
    labels = jnp.array([0, 3])
    jax.jit(lambda x: (check_labels("f", labels, 4), x)[1])(1.0)
    with pytest.raises(RangeError, match="labels from 0 to 3"):
        jax.jit(lambda x: (check_labels("f", labels, 3), x)[1])(1.0)
