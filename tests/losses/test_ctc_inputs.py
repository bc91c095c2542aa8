"""What CTC refuses, eagerly; what is traced gives NaN instead."""

from typing import Any

import jax
import numpy as np
import pytest

from treexlite._errors import (
    ArgumentError,
    DataError,
    RangeError,
    ShapeError,
    StructureError,
)
from treexlite.losses import ctc

LOGITS = np.zeros((2, 4, 3), np.float32)
LABELS = np.array([[1, 2], [1, 0]])
ONES = np.array([1, 1])


@pytest.mark.parametrize(
    ("target", "preds", "error", "message"),
    [
        (LABELS, LOGITS[0], ShapeError, r"logits of shape \(batch, time, classes\)"),
        (LABELS, "text", DataError, "`preds` to be an array of real numbers"),
        (LABELS[0], LOGITS, ShapeError, r"labels of shape \(2, labels\).*target.shape=\(2,\)"),
        (LABELS[:1], LOGITS, ShapeError, r"one row for each row of `preds`"),
        (LABELS.astype(float), LOGITS, DataError, "integers in `target`, received dtype float"),
        (LABELS + 1, LOGITS, RangeError, "labels from 0 to 2, .* received the label 3"),
        (np.array([[0, 1], [1, 0]]), LOGITS, DataError, "padding .* received a label after"),
        ((LABELS, 2 * ONES), LOGITS, RangeError, "other than the blank, 0, received the label 0"),
        ((LABELS, 3 * ONES), LOGITS, RangeError, "lengths of `target` from 0 to 2, .* 3 to 3"),
        (LABELS, (LOGITS, 5 * ONES), RangeError, "lengths of `preds` from 0 to 4, .* 5 to 5"),
        (LABELS, (LOGITS, -ONES), RangeError, "received lengths from -1 to -1"),
        (LABELS, (LOGITS, ONES[:1]), ShapeError, r"of shape \(2,\), received lengths.shape=\(1,\)"),
        (LABELS, (LOGITS, ONES / 2), DataError, "integers in `lengths of preds`"),
        (LABELS, (LOGITS,), StructureError, r"`preds` to be logits, a pair of arrays"),
        (LABELS, {"x": LOGITS, "lengths": ONES}, StructureError, r"\(logits, lengths\), or such"),
        ([[1, 2], [1, 0]], LOGITS, StructureError, "`target` to be labels, a pair"),
    ],
)
def test_inputs_without_meaning_are_refused(
    target: Any, preds: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"ctc: expected .*{message}"):
        ctc(target, preds)


def test_a_blank_that_is_no_class_is_refused() -> None:
    with pytest.raises(ArgumentError, match="ctc: expected `blank` below the number of classes, 3"):
        ctc(LABELS, LOGITS, blank=3)


def test_traced_inputs_without_meaning_are_nan_and_spoil_no_others() -> None:
    wanted = ctc(LABELS, LOGITS)[0]
    traced = jax.jit(ctc)
    bad_labels = [
        np.array([[1, 2], [0, 1]]),
        np.array([[1, 2], [3, 0]]),
        (np.array([[1, 2], [1, 0]]), np.array([2, 2])),
        (np.array([[1, 2], [1, 2]]), np.array([2, 3])),
    ]
    for target in bad_labels:
        values = traced(target, LOGITS)
        np.testing.assert_allclose(values[0], wanted, rtol=1e-6)
        assert np.isnan(values[1])
    for lengths in (np.array([4, 5]), np.array([4, -1])):
        values = traced(LABELS, (LOGITS, lengths))
        np.testing.assert_allclose(values[0], wanted, rtol=1e-6)
        assert np.isnan(values[1])
