from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.transforms.stateful import Stateful, assert_same
from treexlite.transforms._lanes import folded, is_key, laned, lanes, rng_slots
from treexlite.transforms._pack import pack


@pytest.mark.parametrize("make", [jax.random.PRNGKey, jax.random.key])
def test_lanes_are_those_of_split(make: Any) -> None:
    advanced, keys = lanes(make(0), 3)
    expected = jax.random.split(make(0), 4)
    assert bool((advanced == expected[0]).all())
    assert bool((keys == expected[1:]).all())


@pytest.mark.parametrize("make", [jax.random.PRNGKey, jax.random.key])
def test_arrays_of_keys_are_split_one_by_one(make: Any) -> None:
    batch = jax.random.split(make(0), 6).reshape(2, 3, *make(0).shape)
    advanced, keys = lanes(batch, 4)
    one_advanced, one = lanes(batch[1, 2], 4)
    assert (advanced.shape, keys.shape) == (batch.shape, (4, *batch.shape))
    assert bool((keys[:, 1, 2] == one).all())
    assert bool((advanced[1, 2] == one_advanced).all())
    assert bool((folded(batch, 7)[1, 2] == jax.random.fold_in(batch[1, 2], 7)).all())


def test_only_keys_in_rng_fields_are_split() -> None:
    class Odd(tx.Module):
        key: jax.Array = tx.Rng.node()
        number: jax.Array = tx.Rng.node()
        other: jax.Array = tx.State.node()

        def __init__(self) -> None:
            self.key, self.other = jax.random.key(0), jax.random.key(0)
            self.number = jnp.array(3)

    assert rng_slots(pack((Odd(),), {})) == [0]
    assert rng_slots(pack((Stateful(), Stateful()), {})) == [2, 8]
    assert is_key(np.zeros(2, np.uint32))
    assert not is_key("key")


def test_laned_replaces_the_chosen_slots() -> None:
    key = jax.random.PRNGKey(3)
    replaced, advanced = laned([1, key], [1], 2)
    assert replaced[0] == 1
    assert_same((advanced[1], replaced[1]), lanes(key, 2))
