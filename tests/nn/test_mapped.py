"""Mapped: the same as a loop along the axis, with one set of parameters."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, MappedWriteError, ShapeError

X = jax.random.normal(jax.random.key(0), (2, 5, 3))


@pytest.mark.parametrize("out_axis", [None, 0, -1])
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_it_equals_a_loop(axis: int, out_axis: int | None) -> None:
    model = nn.Mapped(nn.Linear(4), axis, out_axis=out_axis).init(0, X)
    slices = [model.layer(part) for part in jnp.moveaxis(X, axis, 0)]
    expected = jnp.stack(slices, axis if out_axis is None else out_axis)
    np.testing.assert_allclose(model(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tx.jit(model)(X), expected, rtol=1e-5, atol=1e-6)


def test_the_parameters_are_shared_and_trained() -> None:
    model = nn.Mapped(nn.Linear(4), -1).init(0, X)
    assert {path: value.shape for path, value in model.state_dict().items()} == {
        "layer/kernel": (5, 4),
        "layer/bias": (4,),
    }
    gradient = tx.grad(lambda m: m(X).sum())(model)
    np.testing.assert_array_equal(gradient.layer.bias, jnp.full(4, 6.0))


def test_every_slice_has_its_own_noise() -> None:
    model = nn.Mapped(nn.Dropout(0.5), 0).init(0, jnp.ones((3, 40)))
    key = model.layer.key
    first, second, third = np.asarray(model(jnp.ones((3, 40))))
    assert (first != second).any()
    assert (second != third).any()
    assert (model.layer.key != key).any()


def test_further_arguments_are_shared() -> None:
    model = nn.Mapped(lambda x, scale: x * scale, 1)
    np.testing.assert_allclose(model(X, jnp.full((2, 1), 3.0)), 3 * X, rtol=1e-6)


def test_statistics_need_the_name_of_the_axis() -> None:
    with pytest.raises(MappedWriteError, match="BatchStat"):
        nn.Mapped(nn.BatchNorm(), 1).init(0, X)(X)
    model = nn.Mapped(nn.BatchNorm(momentum=0.0, axis_name="steps"), 1, axis_name="steps")
    model = model.init(0, X)
    model(X)
    np.testing.assert_allclose(model.layer.mean, X.mean((0, 1)), rtol=1e-5, atol=1e-6)


def test_inside_repeated() -> None:
    model = nn.Repeated(nn.Residual(nn.Mapped(nn.Linear(5), -1)), 3).init(0, X)
    x = X
    for block in model.unstacked():
        x = block(x)
    np.testing.assert_allclose(model(X), x, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axis", [3, -4])
def test_an_axis_that_is_not_there_is_refused(axis: int) -> None:
    with pytest.raises(ShapeError, match=f"Mapped: expected `x` to have an axis {axis}, received"):
        nn.Mapped(jnp.sin, axis)(X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": nn.Linear}, "`layer` to be a module or a function, received the class Linear"),
        ({"axis": None}, "`axis` to be an integer"),
        ({"out_axis": 1.0}, "`out_axis` to be an integer"),
    ],
)
def test_arguments_are_checked(arguments: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.Mapped(**{"layer": jnp.sin, "axis": 0, **arguments})
