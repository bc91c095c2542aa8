"""Lengths of vectors: along which axes, and to what."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.constraints import MaxNorm, MinMaxNorm, UnitNorm, max_norm, min_max_norm, unit_norm

W = 3 * np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)


@pytest.mark.parametrize(
    ("axis", "axes"), [(None, (0, 1, 2)), (0, (0,)), ([0, -1], (0, 3)), (-1, (3,))]
)
def test_axes(axis: Any, axes: tuple[int, ...]) -> None:
    lengths = np.sqrt(np.square(np.float64(W)).sum(axes, keepdims=True))
    short = W * np.minimum(1, 2 / lengths)
    np.testing.assert_allclose(MaxNorm(axis=axis)(W), short, rtol=1e-6)
    np.testing.assert_allclose(UnitNorm(axis=axis)(W), W / lengths, rtol=1e-6)
    between = W * np.clip(lengths, 4, 5) / lengths
    np.testing.assert_allclose(MinMaxNorm(4, 5, axis=axis)(W), between, rtol=1e-6)


def test_a_vector_is_measured_as_a_whole() -> None:
    np.testing.assert_allclose(unit_norm(jnp.array([3.0, 4.0])), [0.6, 0.8], rtol=1e-6)
    assert max_norm(-5.0) == -2


def test_short_vectors_keep_every_bit() -> None:
    x = jnp.array([[0.1, 3.0], [0.7, 4.0]])
    np.testing.assert_array_equal(max_norm(x, 1.0)[:, 0], x[:, 0])


def test_zeros_stay() -> None:
    for constraint in (MaxNorm(0.0), UnitNorm(), MinMaxNorm(1.0, 2.0)):
        np.testing.assert_array_equal(constraint(jnp.zeros((2, 3))), 0)


def test_a_rate_goes_part_of_the_way() -> None:
    x = jnp.array([3.0, 4.0])
    np.testing.assert_allclose(min_max_norm(x, 0.0, 1.0, rate=0.25), x * 0.8, rtol=1e-6)
    np.testing.assert_array_equal(min_max_norm(x, 0.0, 1.0, rate=0.0), x)
    for _ in range(60):
        x = MinMaxNorm(rate=0.25)(x)
    np.testing.assert_allclose(x, [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MaxNorm(-1), "MaxNorm: expected `max_value` to be a finite number of at least 0"),
        (lambda: MinMaxNorm(-1), "MinMaxNorm: expected `min_value` to be a finite number"),
        (lambda: MinMaxNorm(2, 1), "expected `min_value` to be at most `max_value`, received min_"),
        (lambda: MinMaxNorm(rate=2), "expected `rate` to be a number from 0 to 1"),
        (lambda: UnitNorm(axis=()), "UnitNorm: expected `axis` to be an integer"),
    ],
)
def test_options_are_checked(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_axes_that_are_not_there_are_refused() -> None:
    for name, call in (("max_norm", MaxNorm(axis=4)), ("unit_norm", UnitNorm(axis=4))):
        with pytest.raises(ShapeError, match=rf"{name}: expected an array with the axes axis=\(4"):
            call(W)
