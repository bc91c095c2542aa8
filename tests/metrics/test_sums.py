"""Sums of float32 numbers that stay exact."""

from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treexlite.metrics import _sums

LIMIT = 2**47
floats = st.floats(-1e6, 1e6, width=32)


def exact(a: Any) -> Fraction:
    """What a sum is worth, without rounding."""
    return sum((Fraction(float(part)) for part in a), Fraction(0))


def test_the_empty_sum_is_zero_and_neutral() -> None:
    a = _sums.of(jnp.array([1.5, 1e-9]))
    np.testing.assert_array_equal(_sums.add(a, _sums.empty()), a)
    np.testing.assert_array_equal(_sums.add(_sums.empty(), a), a)
    assert _sums.value(_sums.empty()) == 0
    np.testing.assert_array_equal(_sums.of(jnp.zeros((0, 3))), _sums.empty())


@pytest.mark.parametrize("number", [0, 1, 2**24, 2**24 + 1, 123_456_789_012_345 // 2])
def test_ones_are_counted_exactly(number: int) -> None:
    assert exact(_sums.of_ones(number)) == number


def test_a_count_goes_on_where_float32_stops() -> None:
    one, start = _sums.of_ones(1), 2**24 - 5
    count = jax.lax.fori_loop(0, 10, lambda _, count: _sums.add(count, one), _sums.of_ones(start))
    assert exact(count) == start + 10
    assert np.float32(2**24) + np.float32(1) == 2**24  # the plain count would have stopped


def test_twenty_million_ones_added_one_by_one_are_counted() -> None:
    one = _sums.of_ones(1)
    count = jax.jit(
        lambda count: jax.lax.fori_loop(0, 20_000_000, lambda _, c: _sums.add(c, one), count)
    )(_sums.empty())
    assert exact(count) == 20_000_000


@given(st.lists(st.integers(-LIMIT // 8, LIMIT // 8), min_size=1, max_size=8))
def test_whole_numbers_are_added_exactly_in_any_order(numbers: list[int]) -> None:
    sums = [jnp.array([np.float32(n), n - int(np.float32(n))], jnp.float32) for n in numbers]
    total = _sums.empty()
    for a in sums:
        total = _sums.add(total, a)
    backwards = _sums.empty()
    for a in reversed(sums):
        backwards = _sums.add(a, backwards)
    assert exact(total) == sum(numbers)
    np.testing.assert_array_equal(total, backwards)


@given(st.lists(floats, min_size=16, max_size=16))
def test_any_numbers_are_added_to_nearly_double_precision(numbers: list[float]) -> None:
    wanted = sum(map(Fraction, numbers))
    error = abs(exact(_sums.of(jnp.array(numbers, jnp.float32))) - wanted)
    assert error <= Fraction(16, 2**47) * sum(map(abs, map(Fraction, numbers)))


def test_the_axes_of_the_values_do_not_matter() -> None:
    values = np.random.default_rng(0).integers(-9, 9, (3, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(_sums.of(values), _sums.of(values.T))
    assert exact(_sums.of(values)) == int(values.sum())


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([np.inf, 1.0], np.inf),
        ([1.0, -np.inf, 2.0], -np.inf),
        ([np.inf, -np.inf], np.nan),
        ([1.0, np.nan], np.nan),
        ([3e38, 3e38], np.inf),
    ],
)
def test_what_is_not_finite_adds_up_as_plain_floats_do(values: list[float], total: float) -> None:
    np.testing.assert_array_equal(_sums.value(_sums.of(jnp.array(values))), total)
    one_by_one = _sums.empty()
    for value in values:
        one_by_one = _sums.add(one_by_one, _sums.of(jnp.array([value])))
    np.testing.assert_array_equal(_sums.value(one_by_one), total)


def test_shapes_and_dtypes_are_fixed() -> None:
    made = [_sums.empty(), _sums.of_ones(3), _sums.of(jnp.arange(3)), _sums.of(jnp.ones(3, bool))]
    for a in [*made, _sums.add(made[0], made[1])]:
        assert (a.shape, a.dtype, a.weak_type) == ((2,), jnp.float32, False)


def test_sums_along_an_axis_keep_the_others() -> None:
    values = np.random.default_rng(0).normal(0, 1e4, (3, 50, 2)).astype(np.float32)
    found = _sums.along(jnp.asarray(values), 1)
    assert found.shape == (2, 3, 2)
    wanted = values.astype(np.float64).sum(1)
    np.testing.assert_allclose(np.asarray(found, np.float64).sum(0), wanted, rtol=1e-12, atol=1e-9)
