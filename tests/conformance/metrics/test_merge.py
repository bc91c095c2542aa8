"""Any split of the data, merged in any order, gives the value over all of it.

Also on several devices, and when some of the parts are padding.
"""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from tests.budget import examples
from tests.conformance.metrics.catalogue import (
    ALL_LAWS,
    EXAMPLES,
    SAMPLED,
    WEIGHTS,
    MetricRow,
    assert_same_value,
    ids,
    part,
    updated,
    value,
)

# Few sizes of batches, so that few are compiled: 1, 3, 4 and 8.
CUTS = [(0, 1, 4, 8), (0, 3, 4, 8), (0, 4, 8), (0, 4, 7, 8)]

# Data without weights only where all laws are asked for, or a metric takes none.
WEIGHTED = [True, False] if ALL_LAWS else [True]


@pytest.mark.parametrize("weighted", WEIGHTED, ids=["weighted", "plain"][: len(WEIGHTED)])
@pytest.mark.parametrize("row", SAMPLED, ids=ids)
@settings(max_examples=examples(6))
@given(data=st.data())
def test_merged_parts_are_the_whole(row: MetricRow, weighted: bool, data: Any) -> None:
    order = data.draw(st.permutations(range(EXAMPLES)))
    cuts = data.draw(st.sampled_from(CUTS))
    batch = {**part(row.batch(weighted=weighted), np.array(order)), **row.options}
    parts = [
        updated(row.make(), {**part(batch, slice(*cut)), **row.options})
        for cut in itertools.pairwise(cuts)
    ]
    before = [metric.state_dict() for metric in parts]
    first, *rest = data.draw(st.permutations(parts))
    wanted = value(updated(row.make(), row.batch(weighted=weighted)))
    assert_same_value(value(first.merge_with(*rest)), wanted)
    for metric, state in zip(parts, before, strict=True):
        jax.tree.map(np.testing.assert_array_equal, metric.state_dict(), state)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_a_call_gives_the_value_of_the_batch_and_keeps_that_of_all(row: MetricRow) -> None:
    metric = row.make()
    call = jax.jit(lambda metric, batch: (metric(**batch), metric))
    for rows in (slice(0, 4), slice(4, 8)):
        batch = row.batch(rows, weighted=True)
        found, metric = call(metric, batch)
        assert_same_value(found, value(updated(row.make(), batch)))
    assert_same_value(value(metric), value(updated(row.make(), row.batch(weighted=True))))


@pytest.mark.parametrize("row", [row for row in SAMPLED if row.weighted], ids=ids)
def test_a_weight_of_zero_is_absence(row: MetricRow) -> None:
    there = WEIGHTS != 0
    wanted = value(updated(row.make(), row.batch(there, weighted=True)))

    def spoil(x: np.ndarray) -> np.ndarray:
        mask = there.reshape(-1, *[1] * (x.ndim - 1))
        return np.where(mask, x, np.asarray(np.nan if x.dtype.kind == "f" else -7, x.dtype))

    junk = jax.tree.map(spoil, {"target": row.target, "preds": row.preds})
    batch = {**junk, "sample_weight": WEIGHTS, **row.options}
    assert_same_value(value(updated(row.make(), batch)), wanted)


@pytest.mark.parametrize("row", [row for row in SAMPLED if row.weighted], ids=ids)
def test_whole_weights_are_repetitions(row: MetricRow) -> None:
    times = np.array([1, 2, 0, 1, 3, 1, 1, 0])
    batch = {**row.batch(), "sample_weight": times.astype(np.float32)}
    repeated = updated(row.make(), row.batch(np.repeat(np.arange(EXAMPLES), times)))
    assert_same_value(value(updated(row.make(), batch)), value(repeated))


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_data_spread_over_devices_gives_the_same_value(row: MetricRow) -> None:
    devices = jax.devices()[:2]
    if len(devices) < 2:
        pytest.skip("there is one device")
    rows = NamedSharding(Mesh(np.array(devices), ("data",)), PartitionSpec("data"))
    batch = jax.tree.map(lambda x: jax.device_put(jnp.asarray(x), rows), row.batch(weighted=True))
    wanted = value(updated(row.make(), row.batch(weighted=True)))
    assert_same_value(value(updated(row.make(), batch)), wanted)
