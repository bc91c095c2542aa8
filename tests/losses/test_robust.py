"""Losses that large errors do not rule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treexlite._errors import ArgumentError, ShapeError
from treexlite.losses import Huber, LogCosh, huber, log_cosh

ERRORS = np.array([-30.0, -2.0, -0.7, -0.1, 0.0, 0.3, 0.7, 1.5, 90.0], np.float32)
ZEROS = np.zeros_like(ERRORS)


@pytest.mark.parametrize("delta", [0.7, 1.0, 50.0])
def test_huber_is_a_parabola_and_then_a_line(delta: float) -> None:
    size = np.abs(np.float64(ERRORS))
    wanted = np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))
    np.testing.assert_allclose(huber(ZEROS, ERRORS, delta=delta), wanted, rtol=1e-6)
    slopes = jax.grad(lambda x: huber(ZEROS, x, delta=delta).sum())(ERRORS)
    np.testing.assert_allclose(slopes, np.clip(ERRORS, -delta, delta), rtol=1e-6)


@pytest.mark.parametrize("delta", [0, -1.0, np.inf, "1"])
def test_another_delta_is_refused(delta: float) -> None:
    message = "expected `delta` to be a finite number above 0, received delta=.* Use the size above"
    with pytest.raises(ArgumentError, match=f"Huber: {message}"):
        Huber(delta=delta)
    with pytest.raises(ArgumentError, match=f"huber: {message}"):
        huber(ZEROS, ERRORS, delta=delta)


def test_log_cosh_is_the_log_of_the_cosh() -> None:
    wanted = np.log(np.cosh(np.float64(ERRORS)))
    np.testing.assert_allclose(log_cosh(ZEROS, ERRORS), wanted, rtol=1e-6)
    slopes = jax.grad(lambda x: log_cosh(ZEROS, x).sum())(ERRORS)
    np.testing.assert_allclose(slopes, np.tanh(np.float64(ERRORS)), rtol=1e-6)


@given(error=st.floats(-30, 30, width=32))
def test_log_cosh_has_all_digits_of_any_error(error: float) -> None:
    wanted = np.log1p(2 * np.sinh(np.float64(error) / 2) ** 2)
    wanted = wanted if wanted > 1e-37 else 0  # float32 has no smaller ones
    value, slope = jax.value_and_grad(LogCosh(), argnums=1)(jnp.zeros(1), jnp.full(1, error))
    np.testing.assert_allclose(value, wanted, rtol=2e-6, atol=1e-37)
    np.testing.assert_allclose(slope[0], np.tanh(np.float64(error)), rtol=2e-6, atol=1e-37)


def test_large_errors_do_not_overflow() -> None:
    far = jnp.array([1e30, -1e30])
    np.testing.assert_allclose(log_cosh(jnp.zeros(2), far), [1e30, 1e30], rtol=1e-6)
    np.testing.assert_allclose(huber(jnp.zeros(2), far), [1e30, 1e30], rtol=1e-6)


def test_features_are_averaged_and_shapes_have_to_fit() -> None:
    for function in (huber, log_cosh):
        rows = function(ZEROS.reshape(3, 3), ERRORS.reshape(3, 3))
        wanted = function(ZEROS, ERRORS).reshape(3, 3).mean(-1)
        np.testing.assert_allclose(rows, wanted, rtol=1e-6)
        with pytest.raises(ShapeError, match=f"{function.__name__}: expected `target` and `preds`"):
            function(ZEROS, ERRORS.reshape(3, 3))
