"""Labels that are no class, in later batches of a stream."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import RangeError
from treexlite.losses import BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from treexlite.training import Batch, Trainer
from treexlite.training._fitting import CrossEntropyByShape
from treexlite.training._heads import as_losses
from treexlite.training._stream_targets import TargetCheck
from treexlite.training._streams import Given


def looked_at(loss: Any, *targets: Any, preds: Any = (4, 3), weights: Any = None) -> int:
    """Return how many batches pass."""
    shape = preds if isinstance(preds, dict) else jax.ShapeDtypeStruct(preds, jnp.float32)
    batches = [Batch(None, y, weights) for y in targets]
    check = TargetCheck("fit", loss, batches[0], lambda: shape)
    return len(list(check.batches(map(Given, batches), 5)))


GOOD = np.array([0, 1, 2])


def test_a_later_label_without_a_class_is_refused_with_its_batch() -> None:
    message = r"fit, batch 7: expected labels from 0 to 2, .* received labels from 0 to 3\. Number"
    for loss in (CrossEntropy(), CrossEntropyByShape()):
        with pytest.raises(RangeError, match=message):
            looked_at(loss, GOOD, np.array([0, 3]), GOOD)
    with pytest.raises(RangeError, match=r"fit, batch 7: .* received labels from -1 to 0"):
        looked_at(CrossEntropy(), GOOD, np.array([0, -1]))


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_later_answers_that_are_neither_no_nor_yes_are_refused(kind: Any) -> None:
    message = r"batch 7: expected targets from 0 to 1"
    with pytest.raises(RangeError, match=message):
        looked_at(BinaryCrossEntropy(), np.array([0, 1], kind), np.array([0, 2], kind), preds=(4,))


def test_one_score_by_name_has_two_classes() -> None:
    with pytest.raises(RangeError, match=r"batch 7: expected targets from 0 to 1"):
        looked_at(CrossEntropyByShape(), GOOD % 2, GOOD, preds=(4, 1))


def test_a_head_is_named() -> None:
    losses = as_losses("fit", {"a": "crossentropy", "b": "mse"}, None)
    shapes = {name: jax.ShapeDtypeStruct((4, 3), jnp.float32) for name in "ab"}
    targets = [{"a": GOOD + shift, "b": np.ones((3, 3)) * 9} for shift in (0, 1)]
    with pytest.raises(RangeError, match=r"fit, batch 7, head 'a': expected labels from 0 to 2"):
        looked_at(losses, *targets, preds=shapes)


def test_what_has_a_meaning_passes() -> None:
    assert looked_at(CrossEntropy(ignore_index=-1), GOOD, np.array([-1, 2])) == 2
    assert (
        looked_at(CrossEntropy(), GOOD, GOOD + np.array([0, 0, 9]), weights=np.array([1, 1, 0]))
        == 2
    )
    assert looked_at(CrossEntropy(), np.eye(3), 5 * np.eye(3)) == 2
    assert looked_at(MeanSquaredError(), GOOD, GOOD + 9) == 2
    assert looked_at(CrossEntropy(), GOOD, jnp.array([9])) == 2  # it would wait for the device
    assert looked_at(CrossEntropy(), None, None) == 2


def test_predictions_are_asked_for_when_labels_have_a_limit_only() -> None:
    for loss, y in ((MeanSquaredError(), GOOD), (CrossEntropy(), np.eye(3)), (None, None)):
        check = TargetCheck("fit", loss, Batch(None, y), lambda: pytest.fail("needless"))
        assert list(check.batches(iter([Given(Batch(None, y))]), 0))


def stream(kind: Any, bad: int) -> Any:
    def batches() -> Iterator[Any]:
        for number in range(5):
            y = np.array([0, 1, 2, 2 if number != bad else 3])
            yield kind(np.ones((4, 2), np.float32)), kind(y)

    return batches


def fitting(**options: Any) -> Trainer:
    return Trainer(tx.nn.Linear(3), "crossentropy", "sgd", **options)


def test_training_stops_at_the_batch_and_keeps_the_steps_before_it() -> None:
    trainer, whole = fitting(steps_per_execution=1), fitting()
    with pytest.raises(RangeError, match=r"Trainer.fit, batch 4: expected labels from 0 to 2"):
        trainer.fit(stream(np.asarray, 3), verbose=0)
    whole.fit(stream(np.asarray, 9), steps_per_epoch=3, verbose=0)
    assert trainer.state.step == 3
    np.testing.assert_array_equal(trainer.model.kernel, whole.model.kernel)


def test_validation_is_looked_at_too() -> None:
    trainer = fitting()
    message = r"Trainer.fit, validation_data, batch 2: expected labels from 0 to 2"
    with pytest.raises(RangeError, match=message):
        trainer.fit(stream(np.asarray, 9), validation_data=stream(np.asarray, 1), verbose=0)
    with pytest.raises(RangeError, match=r"Trainer.evaluate, batch 3: expected labels"):
        trainer.evaluate(stream(np.asarray, 2), verbose=0)


def test_arrays_of_jax_make_the_loss_nan_and_a_callback_says_why() -> None:
    history = fitting().fit(stream(jnp.asarray, 3), verbose=0).history
    assert np.isnan(history["loss"]).all()
    guard = tx.callbacks.TerminateOnNaN()
    with pytest.raises(RangeError, match=r"expected labels from 0 to 2, .* received labels from 0"):
        fitting().fit(stream(jnp.asarray, 3), verbose=0, callbacks=guard)


def test_a_loss_of_your_own_is_asked_for_nothing() -> None:
    class Own(Trainer):
        def loss_fn(self, model: Any, batch: Batch) -> Any:
            return (model(batch.x) ** 2).mean()

    trainer = Own(tx.nn.Linear(3), "crossentropy", "sgd")
    trainer.fit(stream(np.asarray, 3), verbose=0)
    assert trainer.state.step == 5
