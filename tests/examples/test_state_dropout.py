"""examples/state/dropout.py: a new mask on every call, and the same ones eagerly and compiled."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx
from tests.examples.scripts import load

example = load("state/dropout")


def reference(key: jax.Array, rate: float, num_calls: int, size: int) -> Any:
    """The masks, from the key alone, in a plain loop."""
    rows = []
    for _ in range(num_calls):
        key, sub = jax.random.split(key)
        rows.append(jax.random.bernoulli(sub, 1 - rate, (size,)))
    return np.stack(rows)


def test_every_call_has_a_new_mask() -> None:
    for wrap in (lambda f: f, tx.jit):
        rows = example.masks(wrap(example.Dropout(0.5).init(0)), num_calls=8, size=64)
        assert len({row.tobytes() for row in rows}) == 8


def test_eager_and_compiled_masks_are_those_of_the_key() -> None:
    model = example.Dropout(0.3).init(7)
    compiled = model.copy()
    expected = reference(model.key, 0.3, num_calls=5, size=40)
    np.testing.assert_array_equal(example.masks(model, 5, 40), expected)
    np.testing.assert_array_equal(example.masks(tx.jit(compiled), 5, 40), expected)
    np.testing.assert_array_equal(model.key, compiled.key)


def test_compiled_masks_are_new_without_new_traces() -> None:
    call = tx.jit(example.Dropout(0.5).init(0))
    example.masks(call, num_calls=5)
    assert call.cache_size() == 1


def test_a_mixed_sequence_goes_through_the_same_masks() -> None:
    model = example.Dropout(0.5).init(1)
    expected = reference(model.key, 0.5, num_calls=4, size=32)
    fast = tx.jit(model)
    rows = [example.masks(call, 1, 32)[0] for call in (model, fast, fast, model)]
    np.testing.assert_array_equal(rows, expected)


def test_kept_values_are_scaled_and_the_mean_stays() -> None:
    x = jnp.ones(20_000)
    y = np.asarray(example.Dropout(0.2).init(0)(x))
    np.testing.assert_allclose(np.unique(y), [0.0, 1.25], rtol=1e-6)
    np.testing.assert_allclose(y.mean(), 1.0, atol=0.02)


def test_evaluation_mode_changes_neither_values_nor_key() -> None:
    model = example.Dropout(0.9).init(0).eval()
    key = np.asarray(model.key)
    assert example.masks(model).all()
    np.testing.assert_array_equal(model.key, key)
