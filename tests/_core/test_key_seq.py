import itertools

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError


def test_a_sequence_gives_different_keys_and_is_determined_by_its_seed() -> None:
    one, two = tx.KeySeq(1), tx.KeySeq(jax.random.PRNGKey(1))
    keys = [one.next().tolist() for _ in range(3)]
    assert keys == [two.next().tolist() for _ in range(3)]
    assert len({str(key) for key in keys}) == 3


def test_a_sequence_is_an_iterator() -> None:
    seq = tx.KeySeq(0)
    first = next(seq)
    rest = list(itertools.islice(seq, 2))
    again = tx.KeySeq(0)
    assert jnp.array_equal(first, again.next())
    assert all(jnp.array_equal(key, again.next()) for key in rest)


def test_a_sequence_advances_under_jit_as_it_does_eagerly() -> None:
    eager, jitted = tx.KeySeq(0), tx.KeySeq(0)
    draw = tx.jit(jitted.next)
    for _ in range(3):
        assert jnp.array_equal(eager.next(), draw())
    assert jnp.array_equal(eager.key, jitted.key)


def test_typed_keys_stay_typed() -> None:
    seq = tx.KeySeq(jax.random.key(0))
    assert jax.dtypes.issubdtype(seq.next().dtype, jax.dtypes.prng_key)


def test_its_key_is_of_kind_rng() -> None:
    assert list(tx.KeySeq(0).rngs().state_dict()) == ["key"]


def test_it_needs_a_key() -> None:
    with pytest.raises(ArgumentError, match="KeySeq: expected `key`"):
        tx.KeySeq(None)  # type: ignore[arg-type]
