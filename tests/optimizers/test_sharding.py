"""State lies where its parameters lie, and stays there."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import treexlite as tx

ROWS = 4


def mesh() -> Mesh:
    if len(jax.devices()) < 2:
        pytest.skip("needs two devices")
    return Mesh(np.array(jax.devices()[:2]), ("devices",))


def params() -> dict[str, Any]:
    split = NamedSharding(mesh(), PartitionSpec("devices"))
    everywhere = NamedSharding(mesh(), PartitionSpec())
    return {
        "b": jax.device_put(jnp.ones(2, jnp.bfloat16), everywhere),
        "w": jax.device_put(jnp.ones((ROWS, 2), jnp.bfloat16), split),
    }


def by_path(optimizer: tx.Optimizer, path: str) -> list[Any]:
    state = optimizer.state_dict(tx.OptState)
    return [x for name, x in state.items() if name.endswith(f"/{path}")]


@pytest.mark.parametrize("compiled", [True, False])
def test_state_is_sharded_like_its_parameters(compiled: bool) -> None:
    values = params()
    optimizer = tx.Optimizer(
        "adam", 0.1, ema=0.5, lookahead=(2, 0.5), accumulate_steps=2, master_dtype=jnp.float32
    ).init(values)
    for path in ("b", "w"):
        assert len(by_path(optimizer, path)) == 6  # two moments, three copies, the mean
        for leaf in by_path(optimizer, path):
            assert leaf.sharding.is_equivalent_to(values[path].sharding, leaf.ndim)
    update = lambda p, o: o.update(p, p)  # noqa: E731
    step = tx.jit(update, donate=True) if compiled else update
    for _ in range(2):
        moved = step(values, optimizer)
        for path in ("b", "w"):
            for leaf in (moved[path], *by_path(optimizer, path)):
                assert leaf.sharding.is_equivalent_to(values[path].sharding, leaf.ndim)
        values = moved
    assert float(values["w"][0, 0]) < 1.0
