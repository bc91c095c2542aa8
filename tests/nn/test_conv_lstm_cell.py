"""ConvLSTMCell: shapes, and streaming. Values are compared in `tests/parity`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (2, 5, 8, 6, 3))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (8, 6)),
        ({"strides": 2}, (4, 3)),
        ({"padding": "VALID"}, (6, 5)),
        ({"dilation": 2, "padding": "VALID"}, (4, 4)),
    ],
)
def test_the_carry_has_the_axes_of_the_output(options: Any, shape: tuple[int, ...]) -> None:
    cell = nn.ConvLSTMCell(4, (3, 2), **options).init(0, (None, X[:, 0]))
    (h, c), y = cell(None, X[:, 0])
    assert y.shape == h.shape == c.shape == (2, *shape, 4)


def test_one_axis_with_any_number_of_batch_axes() -> None:
    cell = nn.ConvLSTMCell(4, 3).init(0, (None, jnp.ones((8, 3))))
    assert cell(None, jnp.ones((2, 5, 8, 3)))[1].shape == (2, 5, 8, 4)


def test_streaming_knows_the_spatial_axes_from_init() -> None:
    model = nn.RNN(nn.ConvLSTMCell(4, (3, 2), strides=2))
    with pytest.raises(NotInitializedError, match="which knows the spatial axes of its carry"):
        model.start_cache(2)
    model = model.init(0, X)
    expected = model(X)
    model.start_cache(2)
    found = jnp.concatenate([model(X[:, :2]), model(X[:, 2:])], 1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ShapeError, match="a carry of arrays with the shapes"):
        model(X[:, :, :4])


def test_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="ConvLSTMCell: expected `kernel_size` to be a tuple"):
        nn.ConvLSTMCell(4, 0)
    with pytest.raises(UnknownNameError, match="SAME"):
        nn.ConvLSTMCell(4, 3, padding="SOME")
    with pytest.raises(ArgumentError, match="ConvLSTMCell: expected `recurrent_init`"):
        nn.ConvLSTMCell(4, 3, recurrent_init=0)
