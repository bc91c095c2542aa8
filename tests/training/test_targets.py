"""Labels that are no class are refused before anything is trained."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.training.models import Logging, Scale, arrays, assert_same, classes
from treexlite._errors import DataError, RangeError
from treexlite.losses import (
    BinaryCrossEntropy,
    CategoricalHinge,
    CrossEntropy,
    MeanSquaredError,
    MultiMargin,
    NegativeLogLikelihood,
)
from treexlite.training import Batch, Trainer
from treexlite.training._fitting import CrossEntropyByShape
from treexlite.training._heads import as_losses
from treexlite.training._targets import check_targets


def check(y: Any, loss: Any = None, weights: Any = None, shape: Any = (4, 3)) -> None:
    preds = jax.ShapeDtypeStruct(shape, jnp.float32)
    check_targets("fit", loss or CrossEntropy(), Batch(None, y, weights), lambda: preds)


@pytest.mark.parametrize("bad", [-1, 3])
@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray])
def test_a_label_without_a_class_is_refused(bad: int, kind: Any) -> None:
    low, high = min(bad, 0), max(bad, 1)
    message = f"fit: expected labels from 0 to 2, .* received labels from {low} to {high}"
    with pytest.raises(RangeError, match=message):
        check(kind([0, 1, bad]))
    with pytest.raises(RangeError, match=message):
        check(kind([[0], [1], [bad]]))


def test_labels_that_are_classes_pass() -> None:
    check(np.array([0, 1, 2], np.uint8))
    check(np.array([[0, 2], [1, 0]]), shape=(2, 2, 3))
    check(np.array([[0], [2]]))


def test_what_holds_no_labels_passes() -> None:
    check(np.array([7.0, 8.0]))
    check(np.array([[5, 0, 0], [0, 5, 0]]))  # probabilities, not normalised
    check(np.array([7, 8]), MeanSquaredError())
    check_targets("fit", None, Batch(None, np.array([7])), lambda: pytest.fail("needless"))
    check_targets("fit", CrossEntropy(), Batch(None), lambda: pytest.fail("needless"))


def test_examples_without_weight_may_have_any_label() -> None:
    check(np.array([0, -1, 99]), weights=np.array([1.0, 0.0, 0.0]))
    check(np.array([-1, 99]), weights=np.zeros(2))
    check(np.array([[0, -1], [2, -1]]), weights=np.array([[1, 0], [1, 0]]), shape=(2, 2, 3))
    with pytest.raises(RangeError, match="labels from 0 to 99"):
        check(np.array([0, -1, 99]), weights=np.array([1.0, 0.0, 2.0]))


@pytest.mark.parametrize("loss", [CategoricalHinge, CrossEntropy, MultiMargin])
def test_labels_to_ignore_may_be_any(loss: Any) -> None:
    check(np.array([0, -100, 2]), loss(ignore_index=-100))
    check(np.array([255, 0, 2], np.uint8), loss(ignore_index=255))
    check(np.array([-100, -100]), loss(ignore_index=-100))
    with pytest.raises(RangeError, match="labels from 0 to 5"):
        check(np.array([0, -100, 5]), loss(ignore_index=-100))
    with pytest.raises(RangeError, match="labels from -100 to 1"):
        check(np.array([1, -100]), loss())


def test_a_distribution_of_the_user_has_no_labels() -> None:
    check(np.array([7, 8]), NegativeLogLikelihood(jax.scipy.stats.norm.logpdf))
    with pytest.raises(RangeError, match="labels from 7 to 8"):
        check(np.array([7, 8]), NegativeLogLikelihood())


def test_labels_are_found_where_the_loss_looks() -> None:
    preds = {"a": jax.ShapeDtypeStruct((4, 3), jnp.float32), "b": None}
    y = {"a": np.array([0, 5]), "b": np.array([99])}
    with pytest.raises(RangeError, match="labels from 0 to 5"):
        check_targets("fit", CrossEntropy(on="a"), Batch(None, y), lambda: preds)


def test_targets_of_each_head_are_checked() -> None:
    loss = as_losses("fit", {"a": CrossEntropy(), "b": "mse", "c": ["bce", CrossEntropy(on="x")]})
    preds = {"a": jax.ShapeDtypeStruct((4, 3), jnp.float32), "b": None}
    preds["c"] = (preds["a"], {"x": preds["a"]})

    def heads(a: int = 0, b: int = 9, yes: int = 1, x: int = 2, weights: Any = None) -> None:
        y = {
            "a": np.array([0, a]),
            "b": np.array([b]),
            "c": [np.array([0, yes]), {"x": np.array([0, x])}],
        }
        check_targets("fit", loss, Batch(None, y, weights), lambda: preds)

    heads()
    with pytest.raises(RangeError, match=r"fit, head 'a': expected labels .* from 0 to 3"):
        heads(a=3)
    with pytest.raises(RangeError, match=r"fit, head 'c/1': expected labels .* from 0 to 3"):
        heads(x=3)
    with pytest.raises(
        RangeError, match=r"fit, head 'c/0': expected targets from 0 to 1, .* 0 to 2"
    ):
        heads(yes=2)
    absent = np.array([1.0, 0.0])
    heads(a=3, yes=2, x=3, weights=absent)
    heads(yes=2, x=3, weights={"c": [absent, absent]})
    with pytest.raises(RangeError, match="head 'c/1'"):
        heads(yes=2, x=3, weights={"c": [absent, None]})


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 3, 1)])
@pytest.mark.parametrize("loss", [BinaryCrossEntropy, CrossEntropyByShape])
def test_one_score_per_example_wants_yes_or_no(loss: Any, shape: Any) -> None:
    check(np.array([0, 1]), loss(), shape=shape)
    check(np.array([0.25, 1.0]), loss(), shape=shape)
    check(np.array([True, False]), loss(), shape=shape)
    check(np.array([2, 1]), loss(), np.array([0, 1]), shape)
    for bad in (np.array([0, 2]), np.array([-1.0, 1.0]), np.array([np.nan, 1.0])):
        with pytest.raises(
            RangeError, match="because the model gives one score for each, received"
        ):
            check(bad, loss(), shape=shape)


def test_crossentropy_by_name_refuses_what_may_be_two_things() -> None:
    by_name = CrossEntropyByShape()
    check(np.eye(3, dtype=int), by_name)
    check(np.array([[0.5, 0.5, 0.0]], np.float16), by_name)
    check(np.array([0, 2]), by_name)
    several = np.array([[1, 0, 1], [0, 0, 1]])
    message = (
        r"that sum to 1, for 'crossentropy' by name, received rows of 3 numbers with sums from"
    )
    with pytest.raises(DataError, match=message + " 1 to 2. Say 'binary_crossentropy' for several"):
        check(several, by_name)
    check(several, by_name, np.array([0, 1]))
    check(several, BinaryCrossEntropy())
    with pytest.raises(RangeError, match="labels from 0 to 3"):
        check(np.array([0, 3]), by_name)


@pytest.mark.parametrize("initialised", [False, True])
def test_training_refuses_them_and_changes_nothing(initialised: bool) -> None:
    x, y = classes(20)
    model = tx.nn.Sequential(Logging(), tx.nn.Linear(3))
    model = model.init(0, x) if initialised else model
    trainer = Trainer(model, "crossentropy", "adam")
    before = arrays(trainer.state)
    for options in ({"y": y + 1}, {"y": y, "validation_data": (x, y + 1)}):
        with pytest.raises(RangeError, match=r"Trainer.fit.*: expected labels from 0 to 2"):
            trainer.fit(x, verbose=0, **options)
    with pytest.raises(RangeError, match=r"Trainer.evaluate: expected labels from 0 to 2"):
        trainer.evaluate(x, y + 1, verbose=0)
    assert trainer.model.initialized == initialised
    assert_same(arrays(trainer.state), before)


def test_training_ignores_the_labels_that_the_loss_ignores() -> None:
    x, y = classes(20)
    labels = np.where(np.arange(20) < 5, -100, y)
    loss = CrossEntropy(ignore_index=-100)
    trained, wanted = (Trainer(tx.nn.Linear(3), loss, "sgd") for _ in range(2))
    trained.fit(x, labels, batch_size=20, shuffle=False, verbose=0)
    wanted.fit(x[5:], labels[5:], batch_size=15, shuffle=False, verbose=0)
    ours, theirs = (trainer.model.state_dict() for trainer in (trained, wanted))
    for path, array in theirs.items():
        np.testing.assert_allclose(ours[path], array, rtol=1e-5, atol=1e-6)


def test_a_step_of_the_user_may_change_the_targets() -> None:
    class OneBased(Trainer):
        def loss_fn(self, model: Any, batch: Batch) -> Any:
            return super().loss_fn(model, batch._replace(y=batch.y - 1))

    x, y = classes(20)
    history = OneBased(tx.nn.Linear(3), "crossentropy", "adam").fit(x, y + 1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert Trainer(Scale(), "mse").evaluate(np.ones(2), np.array([7, 8]), verbose=0)["loss"] > 20
