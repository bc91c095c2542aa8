"""Data sets in memory: what is accepted, how it is cut, in which order it is visited."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError
from treexlite.training._data import Arrays, Batch, in_order, on_device, shapes, shuffled


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


def test_the_last_examples_are_split_off() -> None:
    train, held_out = data(10, y=np.arange(10) * 2).split(0.25)
    assert train.batch.x.tolist() == [0, 1, 2, 3, 4, 5, 6]  # floor(10 * 0.75), as in Keras
    assert held_out.batch.y.tolist() == [14, 16, 18]


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 2, "0.2", None])
def test_a_share_outside_its_range_is_refused(fraction: Any) -> None:
    with pytest.raises(ArgumentError, match=r"expected `validation_split` in \[0, 1\), received"):
        data(10).split(fraction)


@pytest.mark.parametrize(("count", "fraction"), [(1, 0.5), (3, 0.9)])
def test_a_split_with_an_empty_side_is_refused(count: int, fraction: float) -> None:
    message = f"one example on each side of `validation_split`, received {count} examples"
    with pytest.raises(DataError, match=message):
        data(count).split(fraction)


def test_the_size_is_that_of_all_leaves() -> None:
    arrays = Arrays("fit", Batch((np.ones((5, 3)), np.ones(5, np.uint8)), jnp.ones(5)))
    assert arrays.nbytes == 5 * 3 * 8 + 5 + 5 * 4


def test_the_order_of_no_seed_is_the_given_one() -> None:
    assert in_order(4).tolist() == [0, 1, 2, 3]


def test_shapes_have_the_types_of_the_device() -> None:
    batch = Arrays("fit", Batch((np.ones((5, 3)), np.ones(5, np.uint8)))).batch
    image, mask = shapes(batch.x, 4)
    assert (image.shape, image.dtype) == ((4, 3), jnp.float32)
    assert (mask.shape, mask.dtype) == ((4,), jnp.uint8)
    assert jax.tree.leaves(shapes(batch.x))[0].shape == (5, 3)
    assert jax.tree.leaves(shapes(batch.x, 9))[0].shape == (5, 3)
    assert shapes(batch) == shapes(on_device(batch))
