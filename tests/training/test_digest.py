"""Digests of batches, and what they tell of the epochs of a stream."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import CheckpointWarning
from treexlite.training._data import Batch
from treexlite.training._digest import Trace, digest, warn_of_other_batches


def numbered(number: int) -> Batch:
    return Batch(np.full(2, number))


def test_equal_on_the_host_and_on_the_device() -> None:
    x = np.random.default_rng(0).normal(size=(3, 2))
    for leaf in (x, np.arange(3), x.astype(jnp.bfloat16), x > 0, np.asfortranarray(x)):
        assert digest(Batch({"a": leaf})) == digest(Batch({"a": jnp.asarray(leaf)}))
    keys = jax.random.split(jax.random.key(0), 2)
    assert digest(Batch(keys)) == digest(Batch(jax.random.split(jax.random.key(0), 2)))
    assert digest(Batch(keys)) != digest(Batch(jax.random.split(jax.random.key(1), 2)))


def test_shapes_dtypes_and_bits_count() -> None:
    x = np.zeros((2, 3), np.float32)
    different = [x, x.reshape(3, 2), x.astype(np.int32), x + 1, -x]
    assert len({digest(Batch(leaf)) for leaf in different}) == len(different)
    assert digest(Batch(x, x + 1)) != digest(Batch(x + 1, x))


def followed(trace: Trace, *epochs: list[int]) -> Trace:
    for epoch in epochs:
        for number, value in enumerate(epoch, 1):
            trace.look(number, numbered(value))
        trace.end()
    return trace


def test_epochs_are_compared_by_a_few_batches() -> None:
    trace = followed(Trace(), [5, 6, 7, 8, 9])
    assert trace.digests == [digest(numbered(value)) for value in (5, 6, 8)]
    assert trace.repeats is None
    assert followed(trace, [5, 6, 0, 8, 0]).repeats is True
    assert followed(trace, [5, 6, 7, 9, 9]).repeats is False
    assert followed(trace, [5, 6, 7, 8, 9]).repeats is False
    assert followed(followed(Trace(), [5]), [5, 6]).repeats is False


def test_the_first_epoch_may_be_found_in_two_runs() -> None:
    first = Trace()
    for number in (1, 2, 3, 4):
        first.look(number, numbered(number))
    second = Trace(first.digests, first.repeats, is_first=True)
    for number in (3, 4, 5, 6, 7, 8):
        second.look(number, numbered(number))
    second.end()
    assert followed(second, list(range(1, 9))).repeats is True


def test_who_relies_on_equal_epochs_is_warned_once() -> None:
    trace = followed(Trace(), [1, 2], [1, 2])
    trace.rely("fit")
    with pytest.warns(CheckpointWarning, match="fit: the stream does not give those") as caught:
        followed(trace, [2, 1])
    assert len(caught) == 1
    with pytest.warns(CheckpointWarning, match=r"there: .* `get_state` and `set_state`.*, in each"):
        warn_of_other_batches("there")
