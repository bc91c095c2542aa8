"""Data sets in memory: what is accepted, how it is cut, in which order it is visited."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError
from treexlite.training._data import (
    Arrays,
    Batch,
    Pass,
    in_order,
    shapes,
    shuffled,
    with_validation,
)


def data(count: int, **rest: Any) -> Arrays:
    return Arrays("fit", Batch(np.arange(count), **rest))


def test_order_is_a_pure_function_of_seed_and_epoch() -> None:
    orders = {(seed, epoch): shuffled(seed, epoch, 20) for seed in (0, 1) for epoch in (0, 1)}
    for (seed, epoch), order in orders.items():
        np.testing.assert_array_equal(order, shuffled(seed, epoch, 20))
        assert sorted(order.tolist()) == list(range(20))
    assert len({order.tobytes() for order in orders.values()}) == 4


def test_order_stays_what_it_was_in_earlier_versions() -> None:
    assert shuffled(0, 0, 8).tolist() == [5, 0, 6, 1, 7, 2, 4, 3]
    assert shuffled(7, 3, 8).tolist() == [4, 3, 5, 6, 0, 7, 1, 2]


def test_leaves_of_trees_may_be_numpy_jax_or_array_likes() -> None:
    class Frame:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return np.ones((3, 2))

    arrays = Arrays("fit", Batch({"a": np.ones(3), "b": (jnp.ones((3, 1)), Frame())}, np.ones(3)))
    assert arrays.num_examples == 3
    assert arrays.batch.x["b"][1].shape == (3, 2)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (
            Batch(np.ones((5, 2)), np.ones(4)),
            r"fit: expected as many examples in every array, received len\(x\)=5, len\(y\)=4",
        ),
        (
            Batch({"a": np.ones(2), "b": (np.ones(3),)}, None, np.ones(2)),
            r"len\(x\['a'\]\)=2, len\(x\['b'\]\[0\]\)=3, len\(sample_weight\)=2",
        ),
        (
            Batch(np.ones((0, 2)), np.ones(0)),
            r"fit: expected at least one example, received len\(x\)=0",
        ),
        (Batch(None, np.ones(2)), r"fit: expected at least one array in `x`, received x=None"),
        (Batch(()), r"The first axis of every array counts the examples; pass the same ones"),
        (Batch([1.0, 2.0]), r"`x\[0\]` to be an array of numbers .* received x\[0\]=1.0"),
        (Batch(np.ones(2), np.array(["a", "b"])), r"`y` to be an array of numbers"),
        (Batch(np.ones(2), np.array([None, {}])), r"`y` to be an array of numbers"),
        (Batch(jnp.ones(())), r"`x` to be an array of numbers whose first axis counts"),
    ],
)
def test_data_that_does_not_fit_is_refused(batch: Batch, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Arrays("fit", batch)


def test_validation_is_split_from_the_end() -> None:
    train, held_out = with_validation(data(10, y=np.arange(10) * 2), 0.25, None)
    assert held_out is not None
    assert train.batch.x.tolist() == [0, 1, 2, 3, 4, 5, 6]  # floor(10 * 0.75), as in Keras
    assert held_out.batch.y.tolist() == [14, 16, 18]
    assert with_validation(data(10), 0, None)[1] is None


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 2, "0.2", None])
def test_a_share_outside_its_range_is_refused(fraction: Any) -> None:
    with pytest.raises(ArgumentError, match=r"expected `validation_split` in \[0, 1\), received"):
        with_validation(data(10), fraction, None)


@pytest.mark.parametrize(("count", "fraction"), [(1, 0.5), (3, 0.9)])
def test_a_split_with_an_empty_side_is_refused(count: int, fraction: float) -> None:
    message = f"one example on each side of `validation_split`, received {count} examples"
    with pytest.raises(DataError, match=message):
        with_validation(data(count), fraction, None)


def test_validation_data_may_have_weights() -> None:
    given = (np.ones(3), None, np.zeros(3))
    train, held_out = with_validation(data(2), 0.0, given)
    assert held_out is not None
    assert (train.num_examples, held_out.num_examples) == (2, 3)
    assert held_out.batch.sample_weight.tolist() == [0, 0, 0]


def test_two_kinds_of_validation_data_are_refused() -> None:
    message = "`validation_split` or `validation_data`, not both, received validation_split=0.5"
    with pytest.raises(ArgumentError, match=message):
        with_validation(data(4), 0.5, (np.ones(2), np.ones(2)))


@pytest.mark.parametrize("given", [np.ones(3), (np.ones(3),), (1, 2, 3, 4)])
def test_validation_data_that_is_no_pair_is_refused(given: Any) -> None:
    message = r"`validation_data` to be \(x, y\) or \(x, y, sample_weight\), received"
    with pytest.raises(ArgumentError, match=message):
        with_validation(data(4), 0.0, given)


def test_validation_data_names_itself() -> None:
    with pytest.raises(DataError, match=r"fit, validation_data: .* len\(x\)=3, len\(y\)=2"):
        with_validation(data(4), 0.0, (np.ones(3), np.ones(2)))


@pytest.mark.parametrize(
    ("count", "size", "drop", "sizes"),
    [
        (10, 4, False, [4, 4, 2]),
        (10, 4, True, [4, 4]),
        (8, 4, False, [4, 4]),
        (3, 8, False, [3]),
    ],
)
def test_the_last_batch_has_what_is_left(
    count: int, size: int, drop: bool, sizes: list[int]
) -> None:
    passage = Pass(data(count), size, drop_remainder=drop)
    rows = list(passage.batches(in_order(count)))
    assert list(map(len, rows)) == sizes
    assert passage.num_steps == len(sizes)
    assert np.concatenate(rows).tolist() == list(range(sum(sizes)))


def test_a_limit_visits_the_first_batches() -> None:
    rows = list(Pass(data(10), 4, 2).batches(in_order(10)))
    assert np.concatenate(rows).tolist() == list(range(8))


def test_more_batches_than_there_are_are_refused() -> None:
    message = (
        "expected at least 4 batches of 4 examples, received 10 examples, 3 batches, "
        "steps_per_epoch=4.*smaller `batch_size`, or leave `steps_per_epoch` out"
    )
    with pytest.raises(DataError, match=message):
        Pass(data(10), 4, 4, name="steps_per_epoch")


def test_dropping_the_only_batch_is_refused() -> None:
    with pytest.raises(DataError, match="3 examples, 0 batches, drop_remainder=True"):
        Pass(data(3), 4, drop_remainder=True)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, None])
def test_a_batch_size_that_is_no_count_is_refused(size: Any) -> None:
    with pytest.raises(ArgumentError, match="`batch_size` to be an integer of at least 1"):
        Pass(data(3), size)


def test_the_shapes_of_the_first_batch_have_the_types_of_the_device() -> None:
    passage = Pass(Arrays("fit", Batch((np.ones((5, 3)), np.ones(5, np.uint8)))), 4)
    image, mask = shapes(passage.data.x, 4)
    assert (image.shape, image.dtype) == ((4, 3), jnp.float32)
    assert (mask.shape, mask.dtype) == ((4,), jnp.uint8)
    assert jax.tree.leaves(shapes(passage.data.x))[0].shape == (5, 3)
    assert jax.tree.leaves(shapes(passage.data.x, 9))[0].shape == (5, 3)
