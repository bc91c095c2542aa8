"""What all metrics share and `tests/conformance/metrics` has no law for."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import treexlite as tx
from tests.metrics.examples import CLASSES, METRICS, assert_same_state, data
from treexlite._errors import ArgumentError, ShapeError, StructureError
from treexlite.metrics import Accuracy, Mean, Metric


@given(seed=st.integers(0, 2**32 - 1), cut=st.sampled_from([1, 64, 500]))
def test_the_mean_of_any_numbers_does_not_depend_on_the_batches(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    values, weights = rng.lognormal(0, 5, (2, 512)).astype(np.float32)
    parts = [
        Mean().update(values=values[i], sample_weight=weights[i])
        for i in (slice(cut), slice(cut, None))
    ]
    wanted = (np.float64(values * weights).sum() / np.float64(weights).sum()).astype(np.float32)
    for metric in (parts[0].merge_with(parts[1]), parts[1].merge_with(parts[0])):
        np.testing.assert_array_max_ulp(np.asarray(metric.compute()), wanted, maxulp=2)


@pytest.mark.parametrize("make", METRICS)
def test_the_value_of_no_data_is_nan(make: Any) -> None:
    assert jnp.isnan(make().compute())
    assert jnp.isnan(make().merge_with(make()).compute())


@pytest.mark.parametrize("make", METRICS)
@given(examples=data(), garbage=st.sampled_from([np.nan, np.inf, 1e30]))
def test_a_weight_of_zero_is_absence_whatever_the_example_holds(
    make: Any, examples: Any, garbage: float
) -> None:
    padding = {
        "target": np.array([-1, 99]),
        "preds": np.full((2, CLASSES), garbage, np.float32),
        "sample_weight": np.zeros(2, np.float32),
    }
    if examples["sample_weight"] is None:
        examples["sample_weight"] = np.ones(8, np.float32)
    padded = {k: np.concatenate([examples[k], padding[k]]) for k in examples}
    assert_same_state(make().update(**padded), make().update(**examples))
    assert_same_state(make().update(**padding), make())


@pytest.mark.parametrize("method", ["update", "__call__"])
@pytest.mark.parametrize("make", METRICS)
def test_a_batch_that_is_refused_leaves_the_metric_as_it_was(make: Any, method: str) -> None:
    batch = {"target": jnp.array([0, 1]), "preds": jnp.eye(2)}
    metric, copy = make().update(**batch), make().update(**batch)
    message = rf"{make.__name__}: expected `sample_weight` to have the first axes of the values"
    with pytest.raises(ShapeError, match=message):
        getattr(metric, method)(**batch, sample_weight=jnp.ones(3))
    assert_same_state(metric, copy)


@pytest.mark.parametrize("on", ["b", ("c", 1), ["c", 1]])
@pytest.mark.parametrize("make", METRICS)
def test_on_selects_from_targets_and_predictions(make: Any, on: Any) -> None:
    target, preds = jnp.array([0, 1]), jnp.eye(2) * 3
    wrong = jnp.zeros((5, 5))
    metric = make(on=on)
    metric(
        target={"a": wrong, "b": target, "c": (wrong, target)},
        preds={"a": wrong, "b": preds, "c": (wrong, preds)},
        sample_weight=jnp.array([1, 2]),
    )
    wanted = make().update(target, preds, jnp.array([1, 2]))
    np.testing.assert_array_equal(metric.compute(), wanted.compute())


def test_on_holds_for_every_metric_that_derives_from_another() -> None:
    class Wrong(Accuracy):
        def per_example(self, target: Any, preds: Any) -> jax.Array:
            return 1 - super().per_example(target, preds)

    metric = Wrong(on="a", threshold=0.1)
    assert metric(target={"a": jnp.array([0, 1])}, preds={"a": jnp.eye(2)}) == 0
    assert metric.name == "wrong"


def test_on_without_such_a_part_is_refused() -> None:
    message = r"Accuracy: expected a part of `target` at on='b', .* which has no 'b'"
    with pytest.raises(StructureError, match=message):
        Accuracy(on="b")(target={"a": jnp.zeros(1)}, preds={"b": jnp.zeros(1)})


def test_predictions_given_twice_are_refused() -> None:
    message = (
        "Mean: expected either `preds` or `values`, which is another name for it, received both. "
        "Leave one of them out"
    )
    with pytest.raises(ArgumentError, match=message):
        Mean().update(preds=jnp.ones(2), values=jnp.ones(2))


@pytest.mark.parametrize("other", [Mean(), Accuracy(threshold=0.25), "accuracy"])
def test_metrics_built_otherwise_are_not_merged(other: Any) -> None:
    message = (
        r"Accuracy: expected metrics built like this one, Accuracy\(.*threshold=0\.5.*\), received "
        r"(Mean|Accuracy|'accuracy').*\. Merge metrics of the same class"
    )
    with pytest.raises(StructureError, match=message):
        Accuracy().merge_with(Accuracy(), other)


def test_names_selections_and_modes_do_not_hinder_merging() -> None:
    named = Accuracy(name="validation", on="a").eval().freeze()
    named.update({"a": jnp.array([0])}, {"a": jnp.array([[1.0, 0.0]])})
    assert Accuracy().merge_with(named).compute() == 1


@pytest.mark.parametrize("make", METRICS)
def test_all_data_is_metric_state_and_needs_no_init(make: Any) -> None:
    metric = make()
    assert metric.initialized
    assert [field.kind for field in metric.fields()] == [tx.MetricState] * 2
    assert metric.name == make.__name__.lower()
    assert make(name="other").name == "other"


def test_a_metric_without_its_methods_cannot_be_built() -> None:
    with pytest.raises(TypeError, match=r"absorb.*accumulate.*compute.*reset"):
        Metric()  # type: ignore[abstract]
