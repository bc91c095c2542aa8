from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.optimizers.models import gradients, make, named
from treexlite._errors import ArgumentError
from treexlite.optimizers._clip import Clipped, clip_by_global_norm, without_clips
from treexlite.optimizers._transformation import Finished

GRADS = {"a": jnp.array([3.0, -4.0]), "b": jnp.array([[12.0]])}


@pytest.mark.parametrize("limit", [0.5, 13.0, 100.0])
def test_the_norm_is_clipped_as_optax_does(limit: float) -> None:
    ours, _ = clip_by_global_norm(limit).update(GRADS, optax.EmptyState())
    theirs, _ = optax.clip_by_global_norm(limit).update(GRADS, optax.EmptyState())
    for path in GRADS:
        np.testing.assert_array_equal(ours[path], theirs[path])


def test_squares_in_half_precision_do_not_overflow() -> None:
    grads = {"a": jnp.full(4, 1000.0, jnp.float16)}
    clipped, _ = clip_by_global_norm(1.0).update(grads, optax.EmptyState())
    assert clipped["a"].dtype == jnp.float16
    np.testing.assert_allclose(clipped["a"], 0.5, rtol=1e-3)


def test_entries_are_clipped_before_the_norm() -> None:
    params = {path: jnp.zeros_like(x) for path, x in GRADS.items()}
    optimizer = tx.Optimizer("sgd", 1.0, clip_value=1.0, clip_norm=1.0).init(params)
    moved = optimizer.update(GRADS, params)
    np.testing.assert_allclose(moved["a"], [-(3**-0.5), 3**-0.5], rtol=1e-6)


def test_frozen_parameters_do_not_count_in_the_norm() -> None:
    model = make()
    model.first.freeze(inplace=True)
    optimizer = tx.Optimizer("sgd", 1.0, clip_norm=1.0).init(model)
    before = named(model)
    grads = {**gradients(), "first/w": jnp.full((4, 3), 1e6)}
    optimizer.update(grads, model)
    size = sum(before[path].size for path in ("last/w", "last/b"))
    np.testing.assert_allclose(named(model)["last/b"], before["last/b"] - size**-0.5, rtol=1e-5)


@pytest.mark.parametrize("name", ["clip_norm", "clip_value"])
@pytest.mark.parametrize("value", [0.0, -1.0, "much", True])
def test_limits_are_above_zero(name: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match=f"expected `{name}` to be a number above 0"):
        tx.Optimizer("sgd", **{name: value})


def test_what_is_behind_the_clipping_is_found() -> None:
    rule = Finished(optax.sgd(0.1))
    assert without_clips(Clipped(rule, 1.0, None)) is rule
    assert without_clips(rule) is rule
