"""Metrics, and the outputs that they are about."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.training.test_heads import TwoHeads, data
from treexlite._errors import ArgumentError, StructureError, UnknownNameError
from treexlite.metrics import Accuracy, Mean, MeanAbsoluteError
from treexlite.training import Batch, Trainer
from treexlite.training._heads import as_losses
from treexlite.training._measures import Measure, as_measures, measured


def places(metrics: Any, loss: Any = "mse") -> dict[str, Any]:
    found = as_measures("Trainer", metrics, as_losses("Trainer", loss))
    return {name: measure.path for name, measure in found.items() if not name.endswith("_loss")}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (None, []),
        ("accuracy", ["accuracy"]),
        ("acc", ["acc"]),
        (Accuracy(), ["accuracy"]),
        (["mae", Mean(name="score")], ["mae", "score"]),
        (("accuracy",), ["accuracy"]),
        ({"a": "accuracy", "b": Mean()}, ["a", "b"]),
    ],
)
def test_metrics_beside_one_loss_get_names(value: Any, names: list[str]) -> None:
    assert places(value) == dict.fromkeys(names, ())


HEADS = {"a": "mse", "b": "ce", "c": None}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": ["mae", "mse"], "b": "acc"}, {"a_mae": "a", "a_mse": "a", "b_acc": "b"}),
        ({"c": ["mae"]}, {"c_mae": "c"}),
        ({"d": ["mae"], "e": "mse"}, {"d_mae": "d", "e_mse": "e"}),
        ({"a": {"error": "mae"}}, {"a_error": "a"}),
        ({"a": Accuracy(on="b")}, {"a": None}),
        ({"other": Mean()}, {"other": None}),
        ([Accuracy(on="b")], {"accuracy": None}),
        (Accuracy(on="b"), {"accuracy": None}),
        ({"a": None}, {}),
    ],
)
def test_metrics_beside_heads_belong_to_them(value: Any, found: dict[str, Any]) -> None:
    paths = {name: () if at is None else (at,) for name, at in found.items()}
    assert places(value, HEADS) == paths


def test_metrics_may_be_nested_and_in_lists() -> None:
    nested = {"a": {"x": "mse", "y": "mse"}, "b": "ce"}
    assert places({"a": {"x": ["mae"]}}, nested) == {"a/x_mae": ("a", "x")}
    assert places({"a": {"m": Mean()}}, nested) == {"a_m": ("a",)}
    assert places(["mae", ["acc"]], ["mse", "ce"]) == {"0_mae": (0,), "1_acc": (1,)}
    assert places([None, "acc"], ["mse", "ce"]) == {"1_acc": (1,)}
    assert places([Mean(), Mean(on=0, name="m")], ["mse", "ce"]) == {"mean": (), "m": ()}


def test_each_of_several_losses_is_measured() -> None:
    found = as_measures("Trainer", None, as_losses("Trainer", {"a": "mse", "b": ["ce", "ce"]}))
    assert list(found) == ["a_loss", "b/0_loss", "b/1_loss"]


@pytest.mark.parametrize(
    "value", [["accuracy", Accuracy()], {"loss": "accuracy"}, [Accuracy(), Accuracy()]]
)
def test_metrics_of_one_name_are_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match="with different names, none of them 'loss', received"):
        as_measures("Trainer", value, None)


def test_a_metric_that_is_called_as_a_part_is_refused() -> None:
    loss = as_losses("Trainer", {"a": "mse", "b": "mse"})
    with pytest.raises(ArgumentError, match="different names"):
        as_measures("Trainer", {"a_loss": Mean()}, loss)


def test_a_metric_for_two_heads_is_refused() -> None:
    metric, loss = MeanAbsoluteError(), as_losses("Trainer", {"a": "mse", "b": "mse"})
    with pytest.raises(ArgumentError, match="expected a metric of its own under each name"):
        as_measures("Trainer", {"a": metric, "b": metric}, loss)


@pytest.mark.parametrize("value", [3, [Accuracy], {"a": lambda target, preds: 0}])
@pytest.mark.parametrize("loss", [None, {"a": "mse"}])
def test_what_is_no_metric_is_refused(value: Any, loss: Any) -> None:
    with pytest.raises(ArgumentError, match="Trainer: expected `metrics` to be names or"):
        as_measures("Trainer", value, as_losses("Trainer", loss))


def test_a_name_among_heads_says_which_it_measures() -> None:
    message = r"expected the metric 'mae' at an output of the model: \['a'\], \['b'\], received"
    with pytest.raises(ArgumentError, match=message):
        as_measures("Trainer", ["mae"], as_losses("Trainer", {"a": "mse", "b": "mse"}))


def test_an_unknown_metric_is_refused_with_close_names() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        as_measures("Trainer", "acuracy", None)


def test_a_measure_gets_its_part_of_the_batch() -> None:
    y, weights = {"a": 1, "b": 2}, {"b": 3}
    batch = Batch(None, y, weights)
    preds = {"a": 4, "b": 5}
    assert measured(Measure(Mean(), ("b",)), batch, preds) == (2, 5, 3)
    assert measured(Measure(Mean(), ("a",)), batch, preds) == (1, 4, None)
    assert measured(Measure(Mean(on="b")), batch, preds) == (y, preds, 3)
    assert measured(Measure(Mean(on="b")), Batch(None, None, 7), preds) == (None, preds, 7)
    with pytest.raises(StructureError, match="metric 'mean': expected `target` to have a part at"):
        measured(Measure(Mean(), ("c",)), batch, preds)
    with pytest.raises(StructureError, match="metric 'mean': expected one array"):
        measured(Measure(Mean()), batch, preds)


def test_a_metric_of_one_array_is_not_given_a_tree() -> None:
    x, y = data(8)
    trainer = Trainer(TwoHeads(), {"a": "mse"}, metrics={"all": Accuracy()})
    with pytest.raises(StructureError, match="metric 'all': expected one array of targets"):
        trainer.evaluate(x, y, verbose=0)


def test_training_measures_each_output() -> None:
    x, y = data()
    mine = MeanAbsoluteError(name="mine")
    trainer = Trainer(
        TwoHeads(),
        {"a": "mse", "b": "crossentropy"},
        metrics={"a": ["mae", mine], "b": "accuracy", "all": Accuracy(on="b")},
    )
    weights = np.linspace(0, 1, 20)
    logs = trainer.evaluate(x, y, 8, verbose=0, sample_weight={"b": weights})
    names = ["loss", "a_loss", "b_loss", "a_mae", "a_mine", "b_accuracy", "all"]
    assert list(logs) == names
    assert trainer.state.metrics["a_mine"] is mine
    preds = trainer.model(x)
    np.testing.assert_allclose(logs["a_mae"], jnp.abs(preds["a"] - y["a"]).mean(), rtol=1e-5)
    right = preds["b"].argmax(-1) == y["b"]
    np.testing.assert_allclose(logs["b_accuracy"], (right * weights).sum() / weights.sum(), 1e-5)
    assert logs["all"] == logs["b_accuracy"]
    assert tx.metrics.get("mae").name == "mean_absolute_error"  # a name is changed in ours alone
