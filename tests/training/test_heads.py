"""A loss for each output of a model."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import Logging, classes
from treexlite._errors import ArgumentError, StructureError, UnknownNameError
from treexlite.losses import CrossEntropy, MeanSquaredError
from treexlite.training import Batch, Trainer
from treexlite.training._heads import HeadLosses, as_losses, batch_weight, heads_of

TARGET = {"a": jnp.zeros(4), "b": jnp.ones(4)}
PREDS = {"a": jnp.arange(4.0), "b": jnp.arange(4.0), "c": jnp.full(4, jnp.nan)}


def heads(loss: Any, weights: Any = None) -> HeadLosses:
    found = as_losses("Trainer", loss, weights)
    assert isinstance(found, HeadLosses)
    return found


class TwoHeads(tx.Module):
    """A number, a class, and an output that nothing is compared with."""

    def __init__(self) -> None:
        self.a, self.b = tx.nn.Linear(1), tx.nn.Linear(3)

    def __call__(self, x: jax.Array) -> dict[str, jax.Array]:
        return {"a": self.a(x), "b": self.b(x), "unused": x}


def data(count: int = 20) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    x, y = classes(count)
    return x, {"a": x[:, :1] * 2, "b": y}


def test_one_loss_is_one_head_without_a_path() -> None:
    loss = MeanSquaredError()
    assert as_losses("Trainer", loss) is loss
    assert as_losses("Trainer", None) is None
    assert [(head.path, head.loss is loss, head.weight) for head in heads_of(loss)] == [
        ((), True, 1.0)
    ]
    assert heads_of(None) == ()


def test_the_loss_is_the_weighted_sum() -> None:
    loss = heads({"a": "mse", "b": "mae", "c": None}, {"a": 0.5})
    assert [(head.name, head.weight) for head in loss.heads] == [("a", 0.5), ("b", 1.0)]
    assert loss(TARGET, PREDS) == 0.5 * 14 / 4 + 4 / 4


def test_heads_may_be_nested_and_in_lists() -> None:
    loss = heads([{"x": "mse", "y": "mae"}, "mae"], [2.0, 0.0])
    assert [head.name for head in loss.heads] == ["0/x", "0/y", "1"]
    zeros, ones = jnp.zeros(4), jnp.ones(4)
    target = [{"x": zeros, "y": zeros}, zeros]
    assert loss(target, ({"x": 2 * ones, "y": 3 * ones}, 9 * ones)) == 2 * (4 + 3) + 0


def test_weights_of_examples_are_shared_or_for_each_head() -> None:
    loss = heads({"a": "mse", "b": CrossEntropy(reduction="weighted_mean")})
    target = {"a": jnp.zeros(2), "b": jnp.array([0, 1])}
    preds = {"a": jnp.array([1.0, 3.0]), "b": jnp.array([[0.0, 2.0], [0.0, 2.0]])}
    each = tx.losses.cross_entropy(target["b"], preds["b"])
    weights = jnp.array([3.0, 1.0])
    np.testing.assert_allclose(
        loss(target, preds, weights), (3 + 9) / 2 + (each @ weights) / 4, rtol=1e-6
    )
    np.testing.assert_allclose(
        loss(target, preds, {"b": weights}), (1 + 9) / 2 + (each @ weights) / 4, rtol=1e-6
    )


def test_a_loss_selects_within_its_head() -> None:
    loss = heads({"a": MeanSquaredError(on="x"), "b": "mse"})
    tree = {"a": {"x": jnp.zeros(2), "y": None}, "b": jnp.zeros(2)}
    ones = {"a": {"x": jnp.ones(2), "y": None}, "b": jnp.ones(2)}
    assert loss(tree, ones, {"a": {"x": jnp.array([4.0, 0.0])}}) == 2 + 1


def test_a_batch_counts_as_the_loss_divides() -> None:
    weights = jnp.array([1.0, 0.5])
    mean, by_weight = MeanSquaredError(), MeanSquaredError(reduction="weighted_mean")

    def count(loss: Any, sample_weight: Any) -> float:
        found = as_losses("Trainer", loss)
        return float(batch_weight(found, Batch(jnp.zeros((2, 3)), None, sample_weight)))

    assert count(None, weights) == count(mean, weights) == count(by_weight, None) == 2
    assert count(by_weight, weights) == 1.5
    assert count({"a": by_weight}, {"a": weights}) == 1.5
    assert count(by_weight.replace(on="a"), {"a": weights}) == 1.5
    assert count({"a": by_weight, "b": by_weight}, weights) == 1.5
    assert count({"a": by_weight, "b": by_weight}, {"a": weights}) == 2
    assert count({"a": by_weight, "b": mean}, weights) == 2


@pytest.mark.parametrize(
    ("loss", "weights", "message"),
    [
        ("mse", 0.5, "expected `loss_weights` beside a dict, list or tuple of losses, received"),
        (
            {"a": "mse"},
            {"a": "b"},
            r"one finite number for each loss, received loss_weights\['a'\]",
        ),
        ({"a": "mse"}, {"a": True}, "one finite number"),
        ({"a": "mse"}, {"a": float("nan")}, "one finite number"),
        (
            {"a": "mse"},
            {"b": 1.0},
            r"an output that has a loss \(\['a'\]\), received loss_weights\[",
        ),
        ({}, None, "Trainer: expected at least one loss in the tree"),
        ({"a": None}, None, "at least one loss in the tree"),
        ({"a": {"b": "mse"}, "a/b": "mse"}, None, "paths that differ in logs"),
        ({"a": 3}, None, r"Trainer, loss\['a'\]: expected `loss` to be a name"),
    ],
)
def test_what_is_no_tree_of_losses_is_refused(loss: Any, weights: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        as_losses("Trainer", loss, weights)


def test_an_unknown_name_says_which_head() -> None:
    with pytest.raises(UnknownNameError, match=r"loss\['a'\].*Did you mean 'mse'"):
        as_losses("Trainer", {"a": "msee"})


def test_a_head_that_the_model_does_not_have_is_refused() -> None:
    loss = heads({"a": "mse", "A": "mse"})
    with pytest.raises(StructureError, match="loss of 'A': expected `target` to have a part at"):
        loss(TARGET, PREDS)
    with pytest.raises(StructureError, match="loss of 'A': expected `preds` to have a part at"):
        loss({**TARGET, "A": 1.0}, PREDS)


def test_an_output_of_a_list_without_a_loss_says_so() -> None:
    message = "a loss, or None, for each of the 2 outputs in a list, received 1 losses"
    with pytest.raises(StructureError, match=message):
        heads(["mse"])([0.0, 0.0], [0.0, 0.0])
    with pytest.raises(StructureError, match=message):
        heads({"a": ["mse"]})({"a": [0.0]}, {"a": (0.0, 0.0)})
    assert heads(["mse", None])([jnp.zeros(1)], [jnp.ones(1), 0.0]) == 1


def test_training_logs_each_loss_without_its_weight() -> None:
    x, y = data()
    weights = {"b": np.linspace(0, 2, 20)}
    trainer = Trainer(
        TwoHeads(),
        {"a": "mse", "b": CrossEntropy(reduction="weighted_mean")},
        optax.sgd(0.0),
        loss_weights={"a": 0.5},
    )
    history = trainer.fit(
        x, y, batch_size=8, verbose=0, sample_weight=weights, validation_data=(x, y)
    ).history
    assert list(history) == ["loss", "a_loss", "b_loss", "val_loss", "val_a_loss", "val_b_loss"]
    preds = trainer.model(x)
    squares = ((preds["a"] - y["a"]) ** 2).mean()
    each = tx.losses.cross_entropy(y["b"], preds["b"])
    np.testing.assert_allclose(history["a_loss"][0], squares, rtol=1e-5)
    weighted = (each * weights["b"]).sum() / weights["b"].sum()
    np.testing.assert_allclose(history["b_loss"][0], weighted, rtol=1e-5)
    np.testing.assert_allclose(history["val_loss"][0], 0.5 * squares + each.mean(), rtol=1e-5)


def test_training_equals_one_loss_written_by_hand() -> None:
    x, y = data()

    def by_hand(target: Any, preds: Any) -> jax.Array:
        squares = ((preds["a"] - target["a"]) ** 2).mean()
        return 2 * squares + tx.losses.cross_entropy(target["b"], preds["b"]).mean()

    ours = Trainer(TwoHeads(), {"a": "mse", "b": "ce"}, "sgd", loss_weights={"a": 2.0})
    wanted = Trainer(TwoHeads(), by_hand, "sgd")
    for trainer in (ours, wanted):
        trainer.fit(x, y, batch_size=8, epochs=2, verbose=0)
    theirs = wanted.model.state_dict()
    for path, array in ours.model.state_dict().items():
        np.testing.assert_allclose(array, theirs[path], rtol=1e-5, atol=1e-6)


def test_losses_and_metrics_of_the_model_join_those_of_heads() -> None:
    class Both(tx.Module):
        def __init__(self) -> None:
            self.a, self.b = Logging(2.0), Logging(3.0)

        def __call__(self, x: jax.Array) -> dict[str, jax.Array]:
            return {"a": self.a(x), "b": self.b(x)}

    x = np.ones(4, np.float32)
    trainer = Trainer(Both(), {"a": "mse", "b": "mse"}, optax.sgd(0.0))
    logs = trainer.train_on_batch(x, {"a": x, "b": x})
    assert logs == {
        "loss": (1 + 4) + (3 * 2 + 3 * 3),
        "a_loss": 1,
        "b_loss": 4,
        "model/a/mean": 1,
        "model/b/mean": 1,
    }


def test_one_head_is_logged_as_the_loss_alone() -> None:
    x, y = data(8)
    logs = Trainer(TwoHeads(), {"a": "mse"}).evaluate(x, y, verbose=0)
    assert list(logs) == ["loss"]


def test_a_single_loss_finds_its_weights_in_a_tree() -> None:
    x, y = data(8)
    weights = np.linspace(0, 2, 8)
    trainer = Trainer(TwoHeads(), CrossEntropy(on="b"))
    logs = trainer.evaluate(x, y, verbose=0, sample_weight={"b": weights})
    each = tx.losses.cross_entropy(y["b"], trainer.model(x)["b"])
    np.testing.assert_allclose(logs["loss"], (each * weights).mean(), rtol=1e-5)


@pytest.mark.parametrize("loss", ["mse", "bce", "ce", {"a": {"x": "mse"}}])
def test_one_loss_for_a_tree_of_outputs_is_refused(loss: Any) -> None:
    x, y = data(8)
    message = "expected one array of targets and one of predictions, received {|have a part at"
    with pytest.raises(StructureError, match=message):
        Trainer(TwoHeads(), loss, "sgd").fit(x, y, verbose=0)


def test_a_loss_of_several_outputs_takes_them() -> None:
    x, y = data(8)
    by_hand = Trainer(TwoHeads(), lambda target, preds: (preds["a"] - target["a"]) ** 2)
    assert by_hand.evaluate(x, y, verbose=0) == Trainer(TwoHeads(), {"a": "mse"}).evaluate(
        x, y, verbose=0
    )


def test_weights_for_a_head_that_is_not_there_are_refused() -> None:
    x, y = data(8)
    trainer = Trainer(TwoHeads(), {"a": "mse"}, "sgd")
    with pytest.raises(ArgumentError, match=r"received sample_weight\['A'\]"):
        trainer.fit(x, y, verbose=0, sample_weight={"A": np.ones(8)})
    assert trainer.state.step == 0
