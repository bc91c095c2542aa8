"""Labels become numbers and come back; scores become probabilities and decisions."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy.sparse import csr_array

from treexlite import errors
from treexlite.interop.sklearn import _labels
from treexlite.interop.sklearn._labels import Labels, as_logits

ABC = Labels(np.array(["a", "b", "c"]))
NO_YES = Labels(np.array(["no", "yes"]))
TWO_EACH = Labels(np.arange(2), is_multilabel=True)


@pytest.mark.parametrize("y", [[3, 7, 3], ["x", "y", "x"], [True, False, True], [1.0, 2.0, 1.0]])
def test_labels_of_any_kind_become_numbers(y: list[object]) -> None:
    array, is_multilabel = _labels.read("fit", y)
    labels = Labels.found_in("fit", array, is_multilabel)
    codes = labels.encode("fit", array, is_multilabel)
    assert codes.dtype == np.int32
    assert labels.classes[codes].tolist() == y
    assert len(labels.classes) == 2


@pytest.mark.parametrize("wrap", [np.array, list, csr_array])
def test_an_indicator_matrix_stays_one(wrap: type) -> None:
    y = np.array([[0, 1], [1, 1], [0, 0]])
    array, is_multilabel = _labels.read("fit", wrap(y))
    assert is_multilabel
    labels = Labels.found_in("fit", array, is_multilabel)
    assert labels.classes.tolist() == [0, 1]
    np.testing.assert_array_equal(labels.encode("fit", array, True), y)


def test_several_labels_that_are_no_indicators_are_refused() -> None:
    with pytest.raises(errors.DataError, match="fit: expected one label per example, or a matrix"):
        _labels.read("fit", np.array([[1, 2], [3, 4]]))


def test_continuous_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        _labels.read("fit", np.array([0.5, 1.5]))


def test_one_class_is_refused() -> None:
    with pytest.raises(errors.DataError, match="fit: expected at least two classes in `y`"):
        Labels.found_in("fit", np.array([1, 1]), False)


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(errors.RangeError, match=r"classes \['a', 'b', 'c'\], received \['d'\]"):
        ABC.encode("fit", np.array(["a", "d"]), False)


@pytest.mark.parametrize(
    ("labels", "y", "is_multilabel", "kind"),
    [
        (ABC, np.eye(3), True, "labels"),
        (TWO_EACH, np.array([0, 1]), False, "a matrix of 2 columns"),
        (TWO_EACH, np.eye(3), True, "a matrix of 2 columns"),
    ],
)
def test_another_kind_of_labels_is_refused(
    labels: Labels, y: np.ndarray, is_multilabel: bool, kind: str
) -> None:
    with pytest.raises(errors.DataError, match=f"fit: expected {kind}, as in the first fit"):
        labels.encode("fit", y, is_multilabel)


@pytest.mark.parametrize(
    ("labels", "logits", "decided", "probabilities"),
    [
        (ABC, [[0.0, np.log(2), 0.0]], ["b"], [[0.25, 0.5, 0.25]]),
        (NO_YES, [[0.0, np.log(3)]], ["yes"], [[0.25, 0.75]]),
        (NO_YES, [[np.log(3)]], ["yes"], [[0.25, 0.75]]),
        (NO_YES, [[-np.log(3)]], ["no"], [[0.75, 0.25]]),
        (TWO_EACH, [[np.log(3), -np.log(3)]], [[1, 0]], [[0.75, 0.25]]),
    ],
)
def test_logits_decide(
    labels: Labels, logits: object, decided: object, probabilities: object
) -> None:
    scores = np.array(logits)
    assert labels.decide(scores).tolist() == decided
    np.testing.assert_allclose(labels.probabilities(scores), probabilities)
    np.testing.assert_allclose(labels.log_probabilities(scores), np.log(probabilities))


@pytest.mark.parametrize(("labels", "size"), [(ABC, 3), (NO_YES, 2), (NO_YES, 1), (TWO_EACH, 2)])
def test_decision_values_are_above_zero_where_the_label_is_chosen(
    labels: Labels, size: int
) -> None:
    logits = np.random.default_rng(0).normal(size=(20, size))
    decision, decided = labels.decision(logits), labels.decide(logits)
    if labels.is_multilabel:
        np.testing.assert_array_equal(decision > 0, decided == 1)
    elif labels is NO_YES:
        np.testing.assert_array_equal(decision > 0, decided == "yes")
    else:
        np.testing.assert_array_equal(labels.classes[decision.argmax(-1)], decided)


def test_log_probabilities_stay_finite_where_probabilities_round_to_zero() -> None:
    for labels, logits in ((ABC, [[0.0, 2000.0, 0.0]]), (NO_YES, [[2000.0]])):
        assert labels.probabilities(np.array(logits)).min() == 0
        assert labels.log_probabilities(np.array(logits)).min() == -2000


@pytest.mark.parametrize(
    ("labels", "probabilities", "exclusive"),
    [(ABC, [[0.2, 0.5, 0.3]], True), (TWO_EACH, [[0.2, 0.9]], False), (ABC, [[0, 1, 0]], True)],
)
def test_probabilities_survive_the_way_over_logits(
    labels: Labels, probabilities: object, exclusive: bool
) -> None:
    logits = as_logits(np.array(probabilities, float), exclusive=exclusive)
    np.testing.assert_allclose(labels.probabilities(logits), probabilities)
