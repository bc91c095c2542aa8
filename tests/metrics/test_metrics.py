"""`Metrics`: several metrics as one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ShapeError, StructureError
from treexlite.metrics import Accuracy, Mean, MeanSquaredError, Metrics, Sum

TARGET = {"a": jnp.array([0.0, 1.0, 2.0]), "b": jnp.array([0, 1, 1])}
PREDS = {"a": jnp.array([0.0, 1.0, 5.0]), "b": jnp.array([0.1, 0.9, 0.2])}


def test_each_metric_selects_for_itself() -> None:
    metrics = Metrics({"a": MeanSquaredError(on="a"), "b": Accuracy(on="b")})
    assert metrics(TARGET, PREDS) == {"a": 3.0, "b": jnp.float32(2 / 3)}
    inner = Metrics([MeanSquaredError(on="a"), Accuracy(on="b")], on=1)
    assert inner((None, TARGET), (None, PREDS), jnp.array([1, 1, 0])) == {
        "mean_squared_error": 0.0,
        "accuracy": 1.0,
    }


def test_metrics_of_one_name_both_count() -> None:
    metrics = Metrics([Accuracy(), Accuracy(threshold=0.95)], on="b")
    assert {name: round(float(x), 2) for name, x in metrics(TARGET, PREDS).items()} == {
        "accuracy": 0.67,
        "accuracy_1": 0.33,
    }


def test_the_metrics_that_were_passed_are_the_ones_that_count() -> None:
    mean = Mean()
    metrics = Metrics({"mean": mean})
    metrics(values=jnp.array([1.0, 3.0]))
    assert mean.compute() == 2
    tx.jit(lambda metrics: metrics.update(values=jnp.array([8.0])))(metrics)
    assert mean.compute() == 4
    metrics.reset()
    assert jnp.isnan(mean.compute())


@pytest.mark.parametrize("method", ["update", "__call__"])
def test_a_batch_that_one_refuses_is_seen_by_none(method: str) -> None:
    metrics = Metrics([Sum(), MeanSquaredError()])
    before = metrics.state_dict()
    with pytest.raises(ShapeError, match="MeanSquaredError: expected `target` and `preds`"):
        getattr(metrics, method)(jnp.zeros(2), jnp.ones(3))
    jax.tree.map(np.testing.assert_array_equal, metrics.state_dict(), before)


def test_a_call_updates_every_metric_once() -> None:
    updates = []

    class Counted(Mean):
        def accumulate(self, target: object, preds: object, sample_weight: object) -> None:
            updates.append(self.name)
            super().accumulate(target, preds, None)

    Metrics([Counted(name="a"), Metrics(Counted(name="b"))])(values=jnp.ones(2))
    assert updates == ["a", "b"]


def test_metrics_inside_metrics_are_named_by_both() -> None:
    metrics = Metrics({"x": Metrics([Mean(), Sum()])})
    assert metrics(values=jnp.array([1.0, 3.0])) == {"x/mean": 2.0, "x/sum": 4.0}
    again = Metrics({"x": Metrics([Mean(), Sum()])})
    again.load_state_dict(metrics.state_dict())
    assert again.compute() == metrics.compute()


def test_other_collections_are_not_merged() -> None:
    for other in (Metrics({"a": Sum()}), Metrics({"b": Mean()})):
        with pytest.raises(StructureError, match="Metrics: expected metrics built like this one"):
            Metrics({"a": Mean()}).merge_with(other)
