"""The catalogue of metrics is complete, and so are their names."""

import jax
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.metrics.catalogue import METRICS, SAMPLE, MetricRow, ids
from treexlite.metrics._registry import REGISTRY

CLASSES = {
    value
    for value in vars(tx.metrics).values()
    if isinstance(value, type)
    and issubclass(value, tx.metrics.Metric)
    and value is not tx.metrics.Metric
}


def test_every_metric_has_a_row() -> None:
    assert {type(row.make()) for row in METRICS} == CLASSES


def test_names_are_unique_and_those_of_the_sample_are_there() -> None:
    names = {row.name for row in METRICS}
    assert len(names) == len(METRICS)
    assert names >= SAMPLE


def test_every_metric_is_known_by_its_class() -> None:
    for cls in CLASSES:
        assert REGISTRY.find(cls.__name__) is cls


@pytest.mark.parametrize("row", METRICS, ids=ids)
def test_all_data_is_metric_state_and_needs_no_init(row: MetricRow) -> None:
    metric = row.make()
    assert metric.initialized
    assert {info.kind for info in metric.fields()} == {tx.MetricState}
    assert row.make(name="other").name == "other"


@pytest.mark.parametrize("row", METRICS, ids=ids)
def test_the_value_of_no_data_is_what_the_row_says(row: MetricRow) -> None:
    for metric in (row.make(), row.make().merge_with(row.make())):
        for leaf in jax.tree.leaves(metric.compute()):
            np.testing.assert_array_equal(leaf, np.full_like(leaf, row.empty))
