"""Labels of any kind are learned: with one or two outputs for two classes, or several each."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

import treexlite as tx

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(40, 3))
BEST = X.argmax(axis=1)
NAMES = np.array(["red", "green", "blue"])[BEST]
NO_YES = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]


class Softmax(tx.Module):
    """A model that returns probabilities: of `size` classes, or of one against the other."""

    def __init__(self, size: int) -> None:
        self.linear = tx.nn.Linear(size)

    def __call__(self, x: Any) -> Any:
        logits = self.linear(x)
        activate = tx.nn.softmax if logits.shape[-1] > 1 else tx.nn.sigmoid
        return activate(logits)


def classifier(model: Any, **params: Any) -> Any:
    own = {"optimizer": tx.Optimizer("adam", 0.2), "epochs": 30, "random_state": 0, **params}
    return tx.TrainerClassifier(model, **own)


@pytest.mark.parametrize(
    ("model", "y", "params"),
    [
        (tx.nn.Linear(3), NAMES, {}),
        (tx.nn.Linear(2), NO_YES, {}),
        (tx.nn.Linear(1), NO_YES, {}),
        (tx.nn.Lambda(lambda x: 3 * x[:, 0]), NO_YES, {"epochs": 0}),
        (Softmax(3), NAMES, {"loss": "crossentropy", "loss__from_logits": False}),
        (Softmax(1), NO_YES, {"loss": "bce", "loss__from_logits": False}),
        (tx.nn.Linear(3), NAMES, {"loss": tx.losses.cross_entropy}),
    ],
)
def test_what_a_classifier_returns_fits_together(model: Any, y: np.ndarray, params: Any) -> None:
    fitted = classifier(model, **params).fit(X, y)
    classes, count = np.unique(y).tolist(), len(np.unique(y))
    assert fitted.classes_.tolist() == classes
    assert fitted.score(X, y) > 0.85
    probabilities = fitted.predict_proba(X)
    assert (probabilities.shape, probabilities.dtype) == ((40, count), np.float64)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(probabilities), rtol=1e-6)
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[probabilities.argmax(axis=1)])
    decision = fitted.decision_function(X)
    assert decision.shape == ((40,) if count == 2 else (40, 3))
    chosen = (decision > 0).astype(int) if count == 2 else decision.argmax(axis=1)
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[chosen])


def test_several_labels_each() -> None:
    y = (X > 0).astype(int)
    fitted = classifier(None, model__hidden_layer_sizes=()).fit(X, y)
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert type(fitted.trainer_.loss) is tx.losses.BinaryCrossEntropy
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict_proba(X) > 0.5)
    assert (fitted.predict(X) == y).mean() > 0.9
    assert fitted.decision_function(X).shape == (40, 3)


def test_two_labels_each_are_not_two_classes() -> None:
    y = (X[:, :2] > 0).astype(int)
    with pytest.raises(tx.errors.ShapeError, match=r"an array of shape \('examples', 2\), as"):
        classifier(tx.nn.Linear(1)).fit(X, y)


def test_a_loss_of_margins_gives_no_probabilities() -> None:
    fitted = classifier(tx.nn.Linear(3), loss="multi_margin").fit(X, NAMES)
    assert fitted.score(X, NAMES) > 0.85
    assert not hasattr(fitted, "predict_proba")
    assert not hasattr(classifier(None, loss=tx.losses.MultiMargin()), "predict_log_proba")
    assert not hasattr(classifier(None, loss=tx.losses.MultiMargin), "predict_proba")
    assert hasattr(classifier(None), "predict_proba")


def test_metrics_see_the_numbers_of_the_classes() -> None:
    fitted = classifier(tx.nn.Linear(3), metrics="accuracy").fit(X, NAMES)
    assert fitted.history_.history["accuracy"][-1] > 0.85


def test_weights_of_classes_move_the_decision() -> None:
    def share_of_yes(class_weight: Any) -> float:
        noise = RANDOM.normal(size=(40, 3))
        fitted = classifier(tx.nn.Linear(2), class_weight=class_weight).fit(noise, NO_YES)
        return float((fitted.predict(noise) == "yes").mean())

    assert share_of_yes({"no": 1, "yes": 50}) > 0.8
    assert share_of_yes({"no": 50, "yes": 1}) < 0.2


def test_parts_bring_some_of_the_classes() -> None:
    fitted = classifier(tx.nn.Linear(3))
    order = np.argsort(NAMES)
    for _ in range(15):
        for rows in (order[:20], order[20:]):
            fitted.partial_fit(X[rows], NAMES[rows], classes=["red", "green", "blue"])
    assert fitted.classes_.tolist() == ["blue", "green", "red"]
    assert fitted.score(X, NAMES) > 0.85
    assert fitted.n_iter_ == len(fitted.history_.epoch) == 30


def test_parts_of_several_labels_need_no_classes() -> None:
    fitted = classifier(tx.nn.Linear(3)).partial_fit(X, (X > 0).astype(int))
    assert fitted.predict(X).shape == (40, 3)


def test_the_first_part_needs_all_classes() -> None:
    message = "TrainerClassifier.partial_fit: expected `classes` in the first call"
    with pytest.raises(tx.errors.ArgumentError, match=message):
        classifier(tx.nn.Linear(3)).partial_fit(X, NAMES)


def test_parts_cannot_be_balanced() -> None:
    estimator = classifier(tx.nn.Linear(3), class_weight="balanced")
    message = "TrainerClassifier.partial_fit: expected `class_weight` to be a dict or None"
    with pytest.raises(tx.errors.ArgumentError, match=message):
        estimator.partial_fit(X, NAMES, classes=np.unique(NAMES))
