"""Names that mean what fits the loss and the shapes."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.training.models import classes
from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.losses import BinaryCrossEntropy, CrossEntropy, Hinge, MeanSquaredError
from treexlite.metrics import Accuracy, BinaryAccuracy
from treexlite.training import Trainer
from treexlite.training._fitting import CrossEntropyByShape, LossMean, fitting_metric

LOGITS = jnp.array([[0.2], [-0.3], [2.0]])
YES_OR_NO = jnp.array([1, 1, 1])


@pytest.mark.parametrize("preds", [LOGITS, LOGITS[:, 0]])
def test_crossentropy_is_binary_for_one_score_per_example(preds: Any) -> None:
    wanted = BinaryCrossEntropy(label_smoothing=0.1)(YES_OR_NO, preds)
    assert CrossEntropyByShape(label_smoothing=0.1)(YES_OR_NO, preds) == wanted
    probabilities = 1 / (1 + jnp.exp(-preds))
    np.testing.assert_allclose(
        CrossEntropyByShape(from_logits=False)(YES_OR_NO, probabilities),
        BinaryCrossEntropy()(YES_OR_NO, preds),
        rtol=1e-5,
    )


def test_crossentropy_is_that_of_classes_for_several_scores() -> None:
    preds = jnp.hstack([LOGITS, -LOGITS])
    assert CrossEntropyByShape()(YES_OR_NO, preds) == CrossEntropy()(YES_OR_NO, preds)
    one_hot = jnp.eye(2)[YES_OR_NO]
    assert CrossEntropyByShape()(one_hot, preds) == CrossEntropy()(one_hot, preds)


@pytest.mark.parametrize("name", ["crossentropy", "ce", "cross_entropy"])
def test_a_trainer_takes_it_by_name(name: str) -> None:
    assert isinstance(Trainer(tx.nn.Linear(1), name).loss, CrossEntropyByShape)
    fixed = Trainer(tx.nn.Linear(1), "sparse_categorical_crossentropy").loss
    assert type(fixed) is CrossEntropy


@pytest.mark.parametrize("name", ["accuracy", "acc"])
@pytest.mark.parametrize(
    ("loss", "kind", "threshold"),
    [
        (BinaryCrossEntropy(), BinaryAccuracy, 0.0),
        (BinaryCrossEntropy(from_logits=False), BinaryAccuracy, 0.5),
        (tx.losses.BinaryFocalCrossEntropy(), BinaryAccuracy, 0.0),
        (CrossEntropyByShape(), Accuracy, 0.0),
        (Hinge(), Accuracy, 0.0),
        (MeanSquaredError(), Accuracy, 0.5),
        (None, Accuracy, 0.5),
    ],
)
def test_accuracy_fits_the_loss(name: str, loss: Any, kind: Any, threshold: float) -> None:
    metric: Any = fitting_metric("Trainer", name, loss)
    assert (type(metric), metric.threshold, metric.name) == (kind, threshold, name)


def test_options_of_other_names_fit_the_loss() -> None:
    def option(name: str, loss: Any, which: str) -> Any:
        return getattr(fitting_metric("Trainer", name, loss), which)

    assert option("auc", BinaryCrossEntropy(), "from_logits") is True
    assert option("auc", MeanSquaredError(), "from_logits") is False
    assert option("log_loss", CrossEntropy(from_logits=False), "from_logits") is False
    assert option("perplexity", CrossEntropy(), "from_logits") is True
    assert option("precision", BinaryCrossEntropy(), "threshold") == 0
    assert option("precision", BinaryCrossEntropy(from_logits=False), "threshold") == 0.5


def test_several_answers_of_an_example_are_answers_of_their_own() -> None:
    target, logits = jnp.array([[0, 1, 1]]), jnp.array([[-0.1, 0.1, -5.0]])
    metric = fitting_metric("Trainer", "accuracy", BinaryCrossEntropy())
    np.testing.assert_allclose(metric(target, logits), 2 / 3, rtol=1e-6)


@pytest.mark.parametrize("name", ["crossentropy", "ce"])
@pytest.mark.parametrize(
    "loss", [BinaryCrossEntropy(), CrossEntropyByShape(), BinaryCrossEntropy(from_logits=False)]
)
def test_the_metric_crossentropy_is_the_loss_without_its_options(name: str, loss: Any) -> None:
    metric = fitting_metric("Trainer", name, loss.replace(reduction="sum", weight=3.0))
    preds, weights = jnp.array([0.2, 0.3, 0.9]), jnp.array([1.0, 0.0, 2.0])
    each = loss.replace(reduction="none")(YES_OR_NO, preds)
    assert metric.name == name
    np.testing.assert_allclose(
        metric(YES_OR_NO, preds, weights), (each * weights).sum() / 3, rtol=1e-6
    )


@pytest.mark.parametrize("loss", [MeanSquaredError(), None])
def test_the_metric_crossentropy_is_refused_where_it_is_ambiguous(loss: Any) -> None:
    message = "Trainer: expected the metric 'ce' beside a loss that says whether there are logits"
    with pytest.raises(ArgumentError, match=message):
        fitting_metric("Trainer", "ce", loss)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Trainer: expected the name of a metric"):
        fitting_metric("Trainer", "acuracy", None)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "weighted_mean", "sum"])
def test_the_mean_of_a_loss_is_that_of_all_data(reduction: Any) -> None:
    loss = CrossEntropy(reduction=reduction, ignore_index=-1, weight=0.5)
    x, y = classes(12)
    labels, weights = np.where(np.arange(12) == 2, -1, y), np.linspace(0, 2, 12)
    scores, metric, other = x[:, :3], LossMean(loss, "part"), LossMean(loss, "other")
    first = metric(labels[:5], scores[:5], weights[:5])
    np.testing.assert_allclose(first, loss(labels[:5], scores[:5], weights[:5]), rtol=1e-5)
    metric.update(labels[5:7], scores[5:7], weights[5:7])
    other.update(labels[7:], scores[7:], weights[7:])
    wanted = loss(labels, scores, weights)
    np.testing.assert_allclose(metric.merge_with(other).compute(), wanted, rtol=1e-5)
    assert jnp.isnan(LossMean(loss, "part").compute())
    assert metric.name == "part"


def test_training_by_name_learns_yes_or_no() -> None:
    x, _ = classes(60)
    y = (x[:, 0] > 0).astype(np.int32)
    trainer = Trainer(tx.nn.Linear(1), "crossentropy", "adam", ["accuracy", "crossentropy"])
    logs = trainer.fit(x, y, 20, verbose=0).history
    np.testing.assert_allclose(logs["crossentropy"], logs["loss"], rtol=1e-5)
    after = trainer.evaluate(x, y, verbose=0)
    right = (np.asarray(trainer.model(x))[:, 0] > 0) == y
    np.testing.assert_allclose(after["accuracy"], right.mean(), rtol=1e-6)
