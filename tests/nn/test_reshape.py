"""Flatten."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError


@pytest.mark.parametrize(
    ("num_batch_axes", "shape"),
    [(0, (24,)), (1, (2, 12)), (2, (2, 3, 4)), (3, (2, 3, 4, 1))],
)
def test_all_but_the_batch_axes_become_one(num_batch_axes: int, shape: tuple[int, ...]) -> None:
    x = jnp.arange(24).reshape(2, 3, 4)
    y = nn.Flatten(num_batch_axes=num_batch_axes)(x)
    assert y.shape == shape
    np.testing.assert_array_equal(y.ravel(), np.arange(24))


def test_an_empty_batch_keeps_its_features() -> None:
    assert nn.Flatten()(jnp.ones((0, 2, 3))).shape == (0, 6)


def test_too_few_axes_are_refused() -> None:
    with pytest.raises(ShapeError, match="Flatten: expected `x` to have at least the 1 batch axes"):
        nn.Flatten()(jnp.ones(()))


@pytest.mark.parametrize("value", [-1, 1.0, True, None])
def test_the_number_of_batch_axes_is_checked(value: object) -> None:
    with pytest.raises(ArgumentError, match="`num_batch_axes` to be an integer of at least 0"):
        nn.Flatten(num_batch_axes=value)
