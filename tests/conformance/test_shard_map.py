"""`tx.shard_map` equals that of JAX over an explicit state, with the keys of devices made by hand.

`jax.shard_map` moved between the versions of JAX that we take, so the plain version is one program
under `jax.vmap` instead, which has the same meaning: a device is a lane.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled
from tests.conformance.explicit import (
    State,
    agreeing,
    assert_same,
    counted,
    explicit,
    lanes,
)

SAMPLED = sampled(__name__)


def mesh() -> Mesh:
    return Mesh(np.array(jax.devices()[:2]), ("data",))


def by_hand(model: Any, f: Any) -> Any:
    """Return `f` for two devices that share all state, over an explicit state."""
    keyed = model.state_dict(tx.Rng)
    axes = {path: 0 if path in keyed else None for path in model.state_dict()}
    run = jax.vmap(explicit(model, f), in_axes=(axes, 0), axis_name="data")

    def folded(key: jax.Array) -> jax.Array:
        if key.ndim > 1:
            return jnp.stack([folded(one) for one in key], 1)
        return jnp.stack([jax.random.fold_in(key, device) for device in range(2)])

    def plain(state: State, xs: jax.Array) -> tuple[jax.Array, State]:
        split = {path: lanes(state[path], 1) for path in keyed}
        own = {path: folded(keys[0]) for path, (_, keys) in split.items()}
        ys, after = run({**state, **own}, xs)
        shared = {path: value[0] for path, value in after.items()}
        return ys, {**shared, **{path: key for path, (key, _) in split.items()}}

    return plain


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_one_module_for_all_devices(row: Layer) -> None:
    model = counted(row)
    f = functools.partial(agreeing, axis="data")
    xs = row.inputs(2)
    expected, state = by_hand(model, f)(model.state_dict(), jnp.stack(xs))
    lifted = tx.shard_map(f, mesh=mesh(), in_specs=(None, P("data")), out_specs=P("data"))
    y = tx.jit(lifted)(model, jnp.concatenate(xs))
    assert_same(y, expected.reshape(y.shape))
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", [row for row in FAMILIES if row.name == "BatchNorm"], ids=ids)
def test_divided_by_kind(row: Layer) -> None:
    """Channels, with their parameters and statistics, divided among devices: as on one device."""
    model = counted(row)
    expected, state = explicit(model)(model.state_dict(), row.x)
    specs = {tx.Parameter: P("data"), tx.BatchStat: P("data"), ...: None}
    channels = P(None, None, None, "data")

    def f(model: Any, x: jax.Array) -> jax.Array:
        y = model(x)
        model.last = jax.lax.pmean(model.last, "data")
        return y

    lifted = tx.shard_map(f, mesh=mesh(), in_specs=(specs, channels), out_specs=channels)
    assert_same(tx.jit(lifted)(model, row.x), expected)
    assert_same(model.state_dict(), state)
