from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._core._random import as_key, fold, skip_key
from treexlite._errors import ArgumentError, ContextError


@pytest.mark.parametrize(
    "seed", [5, np.int32(5), np.array(5), jnp.array(5), jax.random.PRNGKey(5), np.uint8(5)]
)
def test_seeds_and_raw_keys_give_the_same_key(seed: Any) -> None:
    assert jnp.array_equal(as_key("test", seed), jax.random.PRNGKey(5))


def test_typed_keys_are_taken_as_they_are() -> None:
    key = jax.random.key(5)
    assert as_key("test", key) is key


@pytest.mark.parametrize(
    "key",
    [
        None,
        True,
        1.5,
        "0",
        jnp.array(1.0),
        jnp.ones((2, 2), jnp.uint32),
        [0],
        jax.random.split(jax.random.key(0)),
    ],
    ids=str,
)
def test_anything_else_is_refused(key: Any) -> None:
    with pytest.raises(ArgumentError, match=r"test: expected `key` to be an integer seed or one"):
        as_key("test", key)


def test_traced_seeds_work() -> None:
    assert jnp.array_equal(jax.jit(lambda s: as_key("t", s))(5), jax.random.PRNGKey(5))


def test_folding_depends_on_the_name_and_works_for_both_styles() -> None:
    raw, typed = jax.random.PRNGKey(0), jax.random.key(0)
    assert not jnp.array_equal(fold(raw, "a"), fold(raw, "b"))
    assert jnp.array_equal(fold(raw, "a"), fold(raw, "a"))
    assert jnp.array_equal(jax.random.key_data(fold(typed, "a")), fold(raw, "a"))


def test_next_key_needs_a_source() -> None:
    with pytest.raises(ContextError, match=r"inside `with tx.rng_key\(key\):`"):
        tx.next_key()


def test_rng_key_gives_different_keys_and_the_same_ones_again() -> None:
    def draw(seed: Any) -> list[list[int]]:
        with tx.rng_key(seed):
            return [tx.next_key().tolist() for _ in range(3)]

    assert draw(1) == draw(1)
    assert draw(1) == draw(jax.random.PRNGKey(1))
    assert draw(1) != draw(2)
    assert len({str(key) for key in draw(1)}) == 3


def test_a_skipped_key_counts() -> None:
    with tx.rng_key(1):
        tx.next_key()
        second = tx.next_key()
    with tx.rng_key(1):
        skip_key()
        np.testing.assert_array_equal(tx.next_key(), second)
    with pytest.raises(ContextError, match="a call outside both"):
        skip_key()


def test_rng_key_ends_with_its_block_also_after_an_error() -> None:
    with pytest.raises(RuntimeError, match="stop"), tx.rng_key(0):
        raise RuntimeError("stop")
    with pytest.raises(ContextError):
        tx.next_key()


def test_inner_blocks_hide_outer_ones_and_outer_ones_continue() -> None:
    with tx.rng_key(0):
        expected = [tx.next_key().tolist() for _ in range(2)]
    with tx.rng_key(0):
        first = tx.next_key().tolist()
        with tx.rng_key(0):
            assert tx.next_key().tolist() == first
        second = tx.next_key().tolist()
    assert [first, second] == expected


def test_rng_key_refuses_what_is_no_key() -> None:
    with pytest.raises(ArgumentError, match="rng_key: expected"), tx.rng_key("seed"):  # type: ignore[arg-type]
        pass


def test_each_position_of_a_mapped_axis_gets_its_own_key() -> None:
    def f(x: jax.Array) -> jax.Array:
        with tx.rng_key(0):
            return tx.next_key(axis_name="batch")

    keys = jax.vmap(f, axis_name="batch")(jnp.arange(3))
    assert len({str(key) for key in keys.tolist()}) == 3


def test_rng_key_inside_a_jitted_function_takes_a_traced_key() -> None:
    @jax.jit
    def f(key: jax.Array) -> jax.Array:
        with tx.rng_key(key):
            return tx.next_key()

    with tx.rng_key(3):
        assert jnp.array_equal(f(jax.random.PRNGKey(3)), tx.next_key())


@pytest.mark.parametrize("transform", [jax.jit, tx.jit])
def test_a_source_outside_a_trace_cannot_be_used_inside_it(transform: Any) -> None:
    # otherwise the compiled function has one key for ever, and the source holds a tracer
    f = transform(lambda x: x + jax.random.normal(tx.next_key()))
    with tx.rng_key(0):
        with pytest.raises(ContextError, match="next_key"):
            f(0.0)
        tx.next_key() + 0


def test_a_forward_pass_can_draw_keys_from_the_context() -> None:
    class Noise(tx.Module):
        def __call__(self, x: Any) -> Any:
            return x + jax.random.normal(tx.next_key())

    noise = Noise()
    with tx.rng_key(0):
        assert noise(0.0) != noise(0.0)
    with pytest.raises(ContextError):
        noise(0.0)
