"""Mapped over a batch or over models, a layer gives what it gives for each; so does its state.

`tx.vmap` equals `jax.vmap` over explicit states, with the keys of the lanes split by hand.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.catalogue import FAMILIES, Layer, ids, sampled
from tests.conformance.explicit import (
    agreeing,
    assert_same,
    call,
    counted,
    explicit,
    mapped,
    stacked,
    together,
)

SAMPLED = sampled(__name__)

PER_LANE = (tx.BatchStat, tx.Log)
BY_KIND = {tx.BatchStat: 0, tx.Log: 0, ...: None}


@pytest.mark.parametrize("row", [row for row in SAMPLED if row.by_example], ids=ids)
def test_mapping_over_the_batch_equals_the_batch(row: Layer) -> None:
    model = row.build()
    model(row.x)
    model = model.eval()
    lanes = jax.jit(jax.vmap(lambda example: model(example)))(row.x)
    np.testing.assert_allclose(lanes, model(row.x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", [row for row in SAMPLED if row.random], ids=ids)
def test_mapping_over_models_equals_a_loop(row: Layer) -> None:
    models = [row.build(seed).eval() for seed in range(3)]
    many = jax.tree.map(lambda *leaves: jnp.stack(leaves), *models)
    call_one = jax.jit(lambda model: model(row.x))
    lanes = jax.jit(jax.vmap(call_one))(many)
    for y, model in zip(lanes, models, strict=True):
        np.testing.assert_allclose(y, call_one(model), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("row", SAMPLED, ids=ids)
def test_what_is_shared_by_kind(row: Layer) -> None:
    """Parameters, counters and keys are shared; every lane has statistics and logs of its own."""
    model = counted(row)
    xs = jnp.stack(row.inputs(3))
    plain = mapped(jax.vmap, model, call, 3, *PER_LANE)
    model = model.map(lambda value: jnp.stack([value] * 3), tx.Any(*PER_LANE))
    lifted, plain = together(row, tx.vmap(call, in_axes=(BY_KIND, 0)), plain)
    expected, state = plain(model.state_dict(), xs)
    assert_same(lifted(model, xs), expected)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_one_module_for_all_lanes(row: Layer) -> None:
    """What lanes write to a bound module they agree on; outputs along another axis."""
    model = counted(row)
    xs = jnp.stack(row.inputs(3), 1)
    run = functools.partial(jax.vmap, axis_name="lanes", out_axes=0)
    plain = mapped(run, model, functools.partial(agreeing, axis="lanes"), 3)
    expected, state = plain(model.state_dict(), jnp.moveaxis(xs, 1, 0))
    lifted = tx.vmap(
        functools.partial(agreeing, model, axis="lanes"), in_axes=1, out_axes=1, axis_name="lanes"
    )
    assert_same(lifted(xs), jnp.moveaxis(expected, 0, 1))
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_stacked_models(row: Layer) -> None:
    models = [counted(row, number) for number in range(2)]
    plain = jax.vmap(explicit(models[0]), in_axes=(0, None))
    expected, state = plain(stacked([model.state_dict() for model in models]), row.x)
    model = tx.stack(models)
    assert_same(tx.vmap(call, in_axes=(0, None))(model, row.x), expected)
    assert_same(model.state_dict(), state)


@pytest.mark.parametrize("row", FAMILIES, ids=ids)
def test_keys_that_are_not_split(row: Layer) -> None:
    model = counted(row).eval()
    xs = jnp.stack(row.inputs(3))

    def noisy(model: Any, x: jax.Array) -> jax.Array:
        for info in list(model.fields(tx.Rng)):
            key, own = jax.random.split(info.value)
            setattr(info.module, info.name, key)
            x = x + own[0]
        return x

    plain = jax.vmap(explicit(model, noisy), in_axes=(None, 0), out_axes=(0, None))
    expected, state = plain(model.state_dict(), xs)
    assert_same(tx.vmap(noisy, in_axes=(None, 0), split_rngs=False)(model, xs), expected)
    assert_same(model.state_dict(), state)
