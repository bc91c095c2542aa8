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
    EXAMPLES,
    METRICS,
    WEIGHTS,
    MetricRow,
    assert_same_value,
    ids,
    part,
)

# Few sizes of batches, so that few are compiled.
CUTS = [(0, 1, 3, 4, 8), (0, 3, 4, 8), (0, 4, 5, 8), (0, 8)]


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("row", METRICS, ids=ids)
@settings(max_examples=examples(6))
@given(data=st.data())
def test_merged_parts_are_the_whole(row: MetricRow, weighted: bool, data: Any) -> None:
    if weighted and not row.weighted:
        pytest.skip("the metric takes no weights")
    order = data.draw(st.permutations(range(EXAMPLES)))
    cuts = data.draw(st.sampled_from(CUTS))
    batch = {**part(row.batch(weighted=weighted), np.array(order)), **row.options}
    parts = [
        row.make().update(**{**part(batch, slice(*cut)), **row.options})
        for cut in itertools.pairwise(cuts)
    ]
    before = [metric.state_dict() for metric in parts]
    first, *rest = data.draw(st.permutations(parts))
    wanted = row.make().update(**row.batch(weighted=weighted)).compute()
    assert_same_value(first.merge_with(*rest).compute(), wanted)
    for metric, state in zip(parts, before, strict=True):
        jax.tree.map(np.testing.assert_array_equal, metric.state_dict(), state)


@pytest.mark.parametrize("row", METRICS, ids=ids)
def test_a_call_gives_the_value_of_the_batch_and_keeps_that_of_all(row: MetricRow) -> None:
    metric = row.make()
    for rows in (slice(0, 3), slice(3, 8)):
        alone = row.make().update(**row.batch(rows, weighted=True)).compute()
        assert_same_value(metric(**row.batch(rows, weighted=True)), alone)
    assert_same_value(metric.compute(), row.make().update(**row.batch(weighted=True)).compute())


@pytest.mark.parametrize("row", [row for row in METRICS if row.weighted], ids=ids)
def test_a_weight_of_zero_is_absence(row: MetricRow) -> None:
    there = WEIGHTS != 0
    wanted = row.make().update(**row.batch(there, weighted=True)).compute()

    def spoil(x: np.ndarray) -> np.ndarray:
        mask = there.reshape(-1, *[1] * (x.ndim - 1))
        return np.where(mask, x, np.asarray(np.nan if x.dtype.kind == "f" else -7, x.dtype))

    junk = jax.tree.map(spoil, {"target": row.target, "preds": row.preds})
    metric = row.make().update(**junk, sample_weight=WEIGHTS, **row.options)
    assert_same_value(metric.compute(), wanted)


@pytest.mark.parametrize("row", [row for row in METRICS if row.weighted], ids=ids)
def test_whole_weights_are_repetitions(row: MetricRow) -> None:
    times = np.array([1, 2, 0, 1, 3, 1, 1, 0])
    weighed = row.make().update(**row.batch(), sample_weight=times.astype(np.float32))
    repeated = row.make().update(**row.batch(np.repeat(np.arange(EXAMPLES), times)))
    assert_same_value(weighed.compute(), repeated.compute())


@pytest.mark.parametrize("row", METRICS, ids=ids)
def test_data_spread_over_devices_gives_the_same_value(row: MetricRow) -> None:
    devices = jax.devices()[:2]
    if len(devices) < 2:
        pytest.skip("there is one device")
    rows = NamedSharding(Mesh(np.array(devices), ("data",)), PartitionSpec("data"))
    batch = jax.tree.map(lambda x: jax.device_put(jnp.asarray(x), rows), row.batch(weighted=True))
    metric = jax.jit(lambda metric, batch: metric.update(**batch))(row.make(), batch)
    assert_same_value(metric.compute(), row.make().update(**row.batch(weighted=True)).compute())
