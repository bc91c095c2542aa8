"""The largest singular value, exactly and by steps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.regularizers import Spectral, spectral

W = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
U, S, V = np.linalg.svd(W)


def test_value_and_gradient() -> None:
    value, gradient = jax.value_and_grad(spectral)(W, 2.0)
    np.testing.assert_allclose(value, 2 * S[0] ** 2, rtol=1e-5)
    np.testing.assert_allclose(gradient, 4 * S[0] * np.outer(U[:, 0], V[0]), rtol=1e-4, atol=1e-5)


def test_the_second_derivative_of_the_exact_one() -> None:
    direction = jnp.linspace(-1, 1, W.size).reshape(W.shape)
    gradient = jax.grad(spectral)
    _, received = jax.jvp(lambda w: gradient(w, 1.0), (jnp.asarray(W),), (direction,))
    step = 1e-2
    change = gradient(W + step * direction, 1.0) - gradient(W - step * direction, 1.0)
    np.testing.assert_allclose(received, change / (2 * step), rtol=1e-2, atol=1e-2)


def test_steps_come_closer_from_below() -> None:
    exact = spectral(W, 1.0)
    found = [float(spectral(W, 1.0, num_steps=n)) for n in (1, 2, 40)]
    assert found[0] < found[1] < exact * (1 + 1e-5)
    np.testing.assert_allclose(found[2], exact, rtol=1e-5)
    gradient = jax.grad(spectral)(W, 1.0, num_steps=40)
    np.testing.assert_allclose(gradient, jax.grad(spectral)(W, 1.0), rtol=1e-3, atol=1e-4)


def test_equal_calls_are_equal_bit_by_bit() -> None:
    regularizer = Spectral(num_steps=3)
    assert regularizer(W) == regularizer(W) == Spectral(num_steps=np.int64(3))(W)


def test_an_empty_kernel_has_no_penalty() -> None:
    assert spectral(jnp.zeros((0, 3))) == 0


@pytest.mark.parametrize("num_steps", [0, 1.5, True])
def test_steps_are_counted(num_steps: Any) -> None:
    with pytest.raises(ArgumentError, match="Spectral: expected `num_steps` to be an integer of"):
        Spectral(num_steps=num_steps)
    with pytest.raises(ArgumentError, match="spectral: expected `num_steps` to be an integer of"):
        spectral(W, num_steps=num_steps)


def test_a_vector_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"spectral: expected a kernel with at least two axes"):
        spectral(jnp.ones(3))
