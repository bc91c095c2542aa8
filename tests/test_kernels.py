"""What penalties and constraints share: options, axes, lengths that neither overflow nor vanish."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite._kernels import (
    directions,
    lengths,
    magnitudes,
    matrix,
    measured_axes,
    number,
    optional_axes,
    widened,
)


@pytest.mark.parametrize(
    ("limits", "message"),
    [((), "a finite number"), ((3,), "a finite number of at least 3"), ((3, 4), "from 3 to 4")],
)
def test_numbers_are_checked(limits: tuple[float, ...], message: str) -> None:
    assert number("A", "n", np.float32(3.5), *limits) == 3.5
    assert type(number("A", "n", 3, *limits)) is float
    for value in (float("nan"), float("inf"), True, "3", None, *([2.9] if limits else [])):
        with pytest.raises(
            ArgumentError, match=f"A: expected `n` to be .*{message}.*, received n="
        ):
            number("A", "n", value, *limits)
    if len(limits) == 2:
        with pytest.raises(ArgumentError, match=message):
            number("A", "n", 4.1, *limits)


def test_axes_are_integers() -> None:
    assert optional_axes("A", None) is None
    assert optional_axes("A", -1) == (-1,)
    assert optional_axes("A", [np.int64(0), 1]) == (0, 1)
    values: list[Any] = [(), 0.5, (0, None), True, "01"]
    for value in values:
        with pytest.raises(ArgumentError, match="A: expected `axis` to be an integer, several"):
            optional_axes("A", value)


@pytest.mark.parametrize(
    ("shape", "axes", "expected"),
    [
        ((), None, ()),
        ((3,), None, (0,)),
        ((3, 2), None, (0,)),
        ((5, 4, 3, 2), None, (0, 1, 2)),
        ((3, 2), (-1,), (1,)),
        ((4, 3, 2), (-1, 0, 2), (0, 2)),
    ],
)
def test_which_axes_are_measured(shape: Any, axes: Any, expected: Any) -> None:
    assert measured_axes("A", axes, jnp.zeros(shape)) == expected


def test_axes_have_to_be_there() -> None:
    message = r"A: expected an array with the axes axis=\(0, 2\), received array of shape \(3, 2\)"
    with pytest.raises(ShapeError, match=message):
        measured_axes("A", (0, 2), jnp.zeros((3, 2)))


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e30])
def test_lengths_and_directions(size: float) -> None:
    x = jnp.array([[3.0, 0.0], [4.0, 0.0]]) * size
    np.testing.assert_allclose(lengths(x, (0,)), [[5 * size, 0]], rtol=1e-6)
    np.testing.assert_allclose(directions(x, (0,)), [[0.6, 0], [0.8, 0]], rtol=1e-6)
    gradient = jax.grad(lambda x: lengths(x, (0,)).sum())(x)
    np.testing.assert_allclose(gradient, [[0.6, 0], [0.8, 0]], rtol=1e-6)
    gradient = jax.grad(lambda x: directions(x, (0,))[0].sum())(x)
    np.testing.assert_allclose(gradient * size, [[0.128, 0], [-0.096, 0]], rtol=1e-5)


def test_zeros_have_no_slope_in_any_mode() -> None:
    zeros, ones = jnp.zeros((2, 3)), jnp.ones((2, 3))
    for f in (lengths, directions):
        _, tangent = jax.jvp(lambda x, f=f: f(x, (0,)), (zeros,), (ones,))
        np.testing.assert_array_equal(tangent, 0)
        gradient = jax.grad(lambda x, f=f: f(x, (0,)).sum())(zeros)
        np.testing.assert_array_equal(gradient, 0)


def test_what_is_not_finite_shows() -> None:
    assert jnp.isnan(lengths(jnp.array([jnp.nan, 1.0]), (0,))).all()
    assert jnp.isinf(lengths(jnp.array([jnp.inf, 1.0]), (0,))).all()


def test_magnitudes_have_no_slope_at_zero() -> None:
    x = jnp.array([-2.0, 0.0, 3.0])
    assert magnitudes(x).tolist() == [2, 0, 3]
    assert jax.grad(lambda x: magnitudes(x).sum())(x).tolist() == [-1, 0, 1]


def test_kernels_as_matrices() -> None:
    assert matrix("A", jnp.zeros((5, 4, 3))).shape == (20, 3)
    with pytest.raises(ShapeError, match="A: expected a kernel with at least two axes"):
        matrix("A", jnp.zeros(3))


def test_the_type_to_compute_in() -> None:
    assert widened(jnp.zeros(1, jnp.bfloat16)).dtype == jnp.float32
    assert widened([1, 2]).dtype == jnp.float32
