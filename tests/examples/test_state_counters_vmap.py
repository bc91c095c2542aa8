"""examples/state/counters_vmap.py: one state for each lane, or one for all of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.examples.scripts import load

example = load("state/counters_vmap")


def test_mapped_state_counts_in_every_lane() -> None:
    counters = example.many_counters(steps=[1, 10, 100, 1000], num_counts=3)
    assert isinstance(counters, example.Counter)
    np.testing.assert_array_equal(counters.n, [3, 30, 300, 3000])


def test_mapped_counters_do_what_a_loop_over_counters_does() -> None:
    steps = [2, 3, 5]
    lanes = [example.Counter(step) for step in steps]
    for counter in lanes:
        counter.count()
        counter.count()
    together = example.many_counters(steps, num_counts=2)
    np.testing.assert_array_equal(together.n, [int(counter.n) for counter in lanes])


def test_a_batch_of_counters_counts_under_jit_of_vmap() -> None:
    counters = jax.vmap(example.Counter)(jnp.array([1, 2]))
    n, counters = jax.jit(jax.vmap(example.count))(counters)
    np.testing.assert_array_equal(n, [1, 2])
    np.testing.assert_array_equal(counters.n, [1, 2])


def test_unmapped_state_is_one_state() -> None:
    xs = np.arange(6.0, dtype="float32").reshape(3, 2)
    ys, model = example.shared_model(2.0, xs)
    np.testing.assert_allclose(ys, 2 * xs)
    assert model.calls.shape == ()
    assert int(model.calls) == 1


def test_unmapped_state_that_depends_on_the_lane_cannot_come_out() -> None:
    def remember(model, x):
        model.calls = x.sum().astype(int)
        return x, model

    mapped = jax.vmap(remember, in_axes=(None, 0), out_axes=(0, None))
    with pytest.raises(ValueError, match="out_axes"):
        mapped(example.Scale(1.0), jnp.ones((3, 2)))
