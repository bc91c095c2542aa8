"""Optimizers against raw optax on a dict of the same arrays: parameters after 4 steps, to 1e-7.

With schedules 1e-6, and where one side has a `cond`, which XLA fuses in another way, 5e-7. Both
sides are in one program. What each option does is compared with optax's own form of it, for
optimizers, rates and limits that hypothesis draws.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from treexlite.optimizers import schedules

PARAMS = {"a/b": jnp.array([0.5, -0.25]), "a/w": jnp.array([[1.0, -2.0, 0.5], [0.25, 3.0, 1.0]])}

RATES = st.sampled_from([0.0, 1e-3, 0.1, 1.0])
OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "sgd": (optax.sgd, {"momentum": 0.9, "nesterov": True}),
    "adam": (optax.adam, {}),
    "adamw": (optax.adamw, {"weight_decay": 0.1}),
    "rmsprop": (optax.rmsprop, {"momentum": 0.5}),
    "lion": (optax.lion, {}),
}
NAMES = st.sampled_from(sorted(OPTIMIZERS))


def gradients(params: Any, number: int) -> Any:
    return {path: jnp.sin(x + number) for path, x in params.items()}


def assert_same(ours: tx.Optimizer, theirs: Any, tolerance: float = 1e-7, steps: int = 4) -> None:
    @tx.jit
    def both(ours: tx.Optimizer, one: Any, two: Any, state: Any, number: Any) -> Any:
        one = ours.update(gradients(one, number), one)
        updates, state = theirs.update(gradients(two, number), state, two)
        return one, optax.apply_updates(two, updates), state

    one, two, state = PARAMS, PARAMS, jax.jit(theirs.init)(PARAMS)
    ours = ours.init(PARAMS)
    for number in range(steps):
        one, two, state = both(ours, one, two, state, number)
    for path in PARAMS:
        np.testing.assert_allclose(one[path], two[path], rtol=tolerance, atol=tolerance)


@given(NAMES, RATES)
@settings(max_examples=examples(6))
def test_numbers_as_rates(name: str, rate: float) -> None:
    factory, options = OPTIMIZERS[name]
    assert_same(tx.Optimizer(name, rate, **options), factory(jnp.float32(rate), **options))


@given(NAMES, RATES)
@settings(max_examples=examples(6))
def test_schedules(name: str, rate: float) -> None:
    factory, options = OPTIMIZERS[name]
    theirs = optax.warmup_cosine_decay_schedule(0.0, rate, 1, 4)
    ours = schedules.cosine(rate, 4, warmup_steps=1)
    assert_same(tx.Optimizer(factory, ours, **options), factory(theirs, **options), 1e-6)


@given(NAMES, st.sampled_from([0.1, 1.0, 100.0]), st.sampled_from([None, 0.5]))
@settings(max_examples=examples(6))
def test_clipping(name: str, norm: float, value: float | None) -> None:
    factory, options = OPTIMIZERS[name]
    clips = [] if value is None else [optax.clip(value)]
    theirs = optax.chain(*clips, optax.clip_by_global_norm(norm), factory(0.1, **options))
    ours = tx.Optimizer(name, 0.1, clip_norm=norm, clip_value=value, **options)
    assert_same(ours, theirs)


@given(NAMES, st.sampled_from([1, 2, 3]))
@settings(max_examples=examples(6))
def test_accumulation(name: str, every: int) -> None:
    factory, options = OPTIMIZERS[name]
    theirs = optax.MultiSteps(factory(0.1, **options), every)
    assert_same(tx.Optimizer(name, 0.1, accumulate_steps=every, **options), theirs, 5e-7)


def test_decay_masks() -> None:
    mask = {"a/b": False, "a/w": True}
    theirs = optax.adamw(0.1, weight_decay=0.5, mask=mask)
    assert_same(tx.Optimizer("adamw", 0.1, weight_decay=0.5, decay="**/w"), theirs)


@pytest.mark.parametrize(("first", "second"), [("adam", "sgd"), ("lion", "adamw")])
def test_groups(first: str, second: str) -> None:
    (one, options), (two, others) = OPTIMIZERS[first], OPTIMIZERS[second]
    theirs = optax.multi_transform(
        {"one": one(0.1, **options), "two": two(0.5, **others)}, {"a/b": "one", "a/w": "two"}
    )
    ours = {
        "*/b": tx.Optimizer(first, 0.1, **options),
        "...": tx.Optimizer(second, 0.5, **others),
    }
    assert_same(tx.Optimizer(ours), theirs)


def test_finished_transformations_are_equal_bit_for_bit() -> None:
    transformation = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(0.1))
    assert_same(tx.Optimizer(transformation), transformation, 0.0)
