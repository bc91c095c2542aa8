"""`tx.pmap` equals `jax.pmap` over explicit states, with the keys of the devices split by hand.

Stacked models are another choice of axes here, and share the code and the laws of `tx.vmap`.
"""

import functools

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled
from tests.conformance.explicit import (
    agreeing,
    assert_same,
    call,
    counted,
    mapped,
)

SAMPLED = sampled(__name__)

PER_DEVICE = (tx.BatchStat, tx.Log)
BY_KIND = {tx.BatchStat: 0, tx.Log: 0, ...: None}


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_what_is_shared_by_kind(row: Layer) -> None:
    """Parameters, counters and keys are shared; devices have statistics and logs of their own."""
    model = counted(row)
    plain = mapped(jax.pmap, model, call, 2, *PER_DEVICE)
    lifted = tx.pmap(call, in_axes=(BY_KIND, 0))
    model = model.map(lambda value: jnp.stack([value] * 2), tx.Any(*PER_DEVICE))
    state = model.state_dict()
    for xs in (jnp.stack(row.inputs(2)), jnp.stack(row.inputs(2)[::-1])):  # the second is cached
        expected, state = plain(state, xs)
        assert_same(lifted(model, xs), expected)
        assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_one_module_for_all_devices(row: Layer) -> None:
    model = counted(row)
    xs = jnp.stack(row.inputs(4))
    run = functools.partial(jax.pmap, axis_name="devices")
    plain = mapped(run, model, functools.partial(agreeing, axis="devices"), 4)
    expected, state = plain(model.state_dict(), xs)
    lifted = tx.pmap(functools.partial(agreeing, model, axis="devices"), axis_name="devices")
    assert_same(lifted(xs), expected)
    assert_same(model.state_dict(), state)
