"""Labels of any kind, and the scores of a model for them.

In: labels as users have them (strings, numbers, indicator matrices), and the outputs of a model.
Out: the whole numbers that a loss takes, and back: labels, probabilities, decision values. Nothing
is mutated.

A model gives one score per class. For two classes it may give a single one, for the second; for an
indicator matrix it gives one for each column. Here everything is a logit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from treexlite._errors import DataError, RangeError, describe


def read(where: str, y: Any) -> tuple[np.ndarray, bool]:
    """Return labels as an array, and whether it is an indicator matrix of several labels.

    Raises:
        ValueError: they are no labels but continuous numbers.
        DataError: an example has several labels that are not 0 or 1.
    """
    y = y.toarray() if issparse(y) else np.asarray(y)
    check_classification_targets(y)
    if type_of_target(y) == "multilabel-indicator":
        return y, True
    if y.ndim == 2 and y.shape[1] > 1:
        raise DataError(
            where,
            expected="one label per example, or a matrix of 0 and 1 with a column for each label",
            received=f"y={describe(y)}",
            fix="Fit one estimator per column; `sklearn.multioutput.MultiOutputClassifier` does.",
        )
    return column_or_1d(y, warn=True), False


@dataclass(frozen=True)
class Labels:
    """The classes of a classifier.

    Args:
        classes: the sorted labels; the numbers of the columns for an indicator matrix.
        is_multilabel: whether an example has any number of them.
    """

    classes: np.ndarray
    is_multilabel: bool = False

    @classmethod
    def found_in(cls, where: str, y: np.ndarray, is_multilabel: bool) -> Self:
        """Return those that occur in `y`, which comes from `read`.

        Raises:
            DataError: there is but one class.
        """
        classes = np.arange(y.shape[1]) if is_multilabel else np.unique(y)
        if len(classes) < 2:
            raise DataError(
                where,
                expected="at least two classes in `y`",
                received=f"one class: {classes[0]!r}",
                fix="Pass examples of another class as well.",
            )
        return cls(classes, is_multilabel)

    def encode(self, where: str, y: np.ndarray, is_multilabel: bool) -> np.ndarray:
        """Return the numbers of the classes, (examples,), or 0 and 1, (examples, labels).

        Raises:
            DataError: indicators where labels were fitted, or the reverse, or another width.
            RangeError: a label is no class.
        """
        if is_multilabel != self.is_multilabel or y.shape[1:] not in ((), self.classes.shape):
            kind = f"a matrix of {len(self.classes)} columns" if self.is_multilabel else "labels"
            raise DataError(
                where,
                expected=f"{kind}, as in the first fit",
                received=f"y={describe(y)}",
                fix="Fit a new estimator for another kind of labels.",
            )
        if is_multilabel:
            return y.astype(np.int32)
        unknown = np.setdiff1d(y, self.classes)
        if unknown.size:
            raise RangeError(
                where,
                expected=f"labels among the classes {self.classes.tolist()}",
                received=f"{unknown.tolist()}",
                fix="Pass all classes to the first fit; `partial_fit` takes them as `classes`.",
            )
        return np.searchsorted(self.classes, y).astype(np.int32)

    def log_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the log of `probabilities`, exact where those round to 0."""
        if self.is_multilabel:
            return np.asarray(log_expit(logits))
        if logits.shape[-1] == 1:
            return np.asarray(log_expit(np.concatenate([-logits, logits], axis=-1)))
        return np.asarray(log_softmax(logits, axis=-1))

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return (examples, classes): they sum to 1, or each one is for itself with several."""
        if self.is_multilabel:
            return np.asarray(expit(logits))
        if logits.shape[-1] == 1:
            return np.asarray(expit(np.concatenate([-logits, logits], axis=-1)))
        return np.asarray(softmax(logits, axis=-1))

    def decision(self, logits: np.ndarray) -> np.ndarray:
        """Return the logits; for two classes one number, above 0 for the second."""
        if self.is_multilabel or len(self.classes) > 2:
            return logits
        return logits[:, 0] if logits.shape[-1] == 1 else logits[:, 1] - logits[:, 0]

    def decide(self, logits: np.ndarray) -> np.ndarray:
        """Return the label of each example, or 0 and 1 for each of several labels."""
        decision = self.decision(logits)
        if self.is_multilabel:
            return (decision > 0).astype(np.int64)
        chosen = decision.argmax(axis=-1) if decision.ndim == 2 else (decision > 0).astype(np.intp)
        return np.asarray(self.classes[chosen])


def as_logits(scores: np.ndarray, *, exclusive: bool) -> np.ndarray:
    """Return the logits of probabilities, for models that end in a softmax or a sigmoid.

    Args:
        scores: probabilities.
        exclusive: whether those of an example sum to 1; otherwise each one is for itself.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(scores) if exclusive else np.log(scores) - np.log1p(-scores))
