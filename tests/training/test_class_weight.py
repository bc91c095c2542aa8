"""Weights of classes become weights of examples."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.training.models import classes
from treexlite._errors import ArgumentError, DataError, ShapeError, StructureError
from treexlite.training import Batch, Trainer
from treexlite.training._class_weight import with_class_weight

TABLE = {0: 1.0, 1: 5.0, 2: 0.5}
LABELS = np.array([0, 2, 1, 1])
WANTED = [1.0, 0.5, 5.0, 5.0]


def weights(y: Any, class_weight: Any = None, sample_weight: Any = None) -> Any:
    batch = Batch("x", y, sample_weight)
    return with_class_weight("fit", batch, class_weight or TABLE).sample_weight


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        jnp.asarray(LABELS),
        LABELS[:, None],
        LABELS.astype(np.float32),
        LABELS.astype(np.uint8),
        np.eye(3)[LABELS],
        np.eye(3, dtype=bool)[LABELS],
        jnp.eye(3)[LABELS],
    ],
)
def test_every_form_of_labels_has_the_same_weights(y: Any) -> None:
    found = weights(y)
    assert found.dtype == np.float32
    assert found.tolist() == WANTED


def test_yes_or_no_are_classes_too() -> None:
    assert weights(np.array([True, False]), {0: 2, 1: np.float32(3)}).tolist() == [3, 2]
    assert weights(np.array([[1.0], [0.0]]), {np.int64(0): 2, 1: 3}).tolist() == [3, 2]


def test_probabilities_have_the_expected_weight() -> None:
    assert weights(np.array([[0.5, 0.5, 0.0]]), {0: 1.0, 1: 5.0}).tolist() == [3.0]


@settings(max_examples=examples(25), deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(0, 9)), min_size=1))
def test_weights_multiply(rows: list[tuple[int, int]]) -> None:
    y, given_weights = (np.array(column) for column in zip(*rows, strict=True))
    found = weights(y, TABLE, given_weights)
    assert found.tolist() == [TABLE[label] * weight for label, weight in rows]


def test_weights_of_each_step_in_time_multiply() -> None:
    found = weights(LABELS, TABLE, np.ones((4, 2)))
    assert found.tolist() == [[w, w] for w in WANTED]


def test_nothing_given_changes_nothing() -> None:
    batch = Batch("x", LABELS)
    assert with_class_weight("fit", batch, None) is batch


def test_one_of_several_targets_may_be_weighted() -> None:
    y = {"a": LABELS, "b": np.zeros(4), "c": [LABELS]}
    found = weights(y, {"a": TABLE, "c": [None]}, np.array([1, 1, 0, 2]))
    assert found["a"].tolist() == [1, 0.5, 0, 10]
    assert found["b"].tolist() == [1, 1, 0, 2]
    assert found["c"][0].tolist() == [1, 1, 0, 2]
    alone = weights(y, {"c": [TABLE]}, {"a": np.ones(4)})
    assert alone["c"][0].tolist() == WANTED
    assert alone["a"].tolist() == [1] * 4
    assert alone["b"] is None


@pytest.mark.parametrize(
    ("y", "table", "error", "message"),
    [
        (LABELS, [1.0, 2.0], ArgumentError, "`class_weight` to be a dict from each class to its"),
        (LABELS, "balanced", ArgumentError, "received class_weight='balanced'"),
        (LABELS, {"0": 1.0}, ArgumentError, "whole numbers as keys, and finite numbers from 0"),
        (LABELS, {0: -1.0}, ArgumentError, "finite numbers from 0, received 0: -1.0"),
        (LABELS, {0: float("nan")}, ArgumentError, "finite numbers from 0"),
        (LABELS, {0: 1.0}, DataError, "a weight for every class in `y`, .* without class 1, 2"),
        (np.eye(3), {0: 1.0}, DataError, "without class 1, 2"),
        (np.arange(20), {0: 1.0}, DataError, "10, ..."),
        (None, TABLE, DataError, "targets, of which `class_weight` weighs the classes"),
        (np.array([0.5, 1.0]), TABLE, DataError, "labels in `y`, whole numbers"),
        (np.array([np.nan, 1.0]), TABLE, DataError, "labels in `y`, whole numbers"),
        (np.array([[1, 0, 1]]), TABLE, DataError, "rows of `y`, received rows with sums from 2 to"),
        (np.array([[2, -1, 0]]), TABLE, DataError, "one-hot labels or probabilities"),
        (
            np.zeros((2, 3, 4)),
            TABLE,
            ShapeError,
            r"one label for each example, .*shape=\(2, 3, 4\)",
        ),
        (
            {"a": LABELS},
            TABLE,
            StructureError,
            r"one dict of classes for some of the targets: \['a'",
        ),
        ({"a": LABELS}, {"b": TABLE}, StructureError, r"received class_weight\['b'\]="),
        ({"a": LABELS}, {"a": {0: 1.0}}, DataError, r"class_weight\['a'\] without class 1, 2"),
    ],
)
def test_what_has_no_meaning_is_refused(y: Any, table: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        weights(y, table)


def test_training_with_them_is_training_with_the_weights() -> None:
    x, y = classes(20)
    batch = with_class_weight("fit", Batch(x, y), TABLE)
    loss = Trainer(tx.nn.Linear(3), "crossentropy").evaluate(
        *batch[:2], verbose=0, sample_weight=batch.sample_weight
    )["loss"]
    model = tx.nn.Linear(3).init(0, x)
    each = tx.losses.cross_entropy(y, model(x))
    np.testing.assert_allclose(loss, (each * np.array([TABLE[k] for k in y])).mean(), rtol=1e-5)
