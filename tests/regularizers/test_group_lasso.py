"""Groups of weights: which they are, and what happens to those of zeros."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.regularizers import GroupLasso, group_lasso

W = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("axis", "axes"), [(None, (0, 1)), (-1, (2,)), ([0, -1], (0, 2)), (0, (0,))]
)
def test_the_lengths_of_groups(axis: Any, axes: tuple[int, ...]) -> None:
    size = np.prod([W.shape[axis] for axis in axes])
    total = np.sqrt(np.square(W).sum(axes)).sum()
    value = group_lasso(W, 2.0, axis=axis)
    np.testing.assert_allclose(value, 2 * np.sqrt(size) * total, rtol=1e-5)
    np.testing.assert_allclose(GroupLasso(2.0, axis=axis, use_sizes=False)(W), 2 * total, rtol=1e-5)


def test_a_vector_is_one_group_and_a_number_too() -> None:
    assert group_lasso(jnp.array([3.0, 4.0]), 1.0, use_sizes=False) == 5
    assert group_lasso(-3.0, 1.0) == 3


def test_groups_of_zeros_are_not_pushed() -> None:
    gradient = jax.grad(group_lasso)(jnp.array([[0.0, 3.0], [0.0, 4.0]]), 1.0, use_sizes=False)
    np.testing.assert_allclose(gradient, [[0.0, 0.6], [0.0, 0.8]], rtol=1e-6)


def test_a_unit_without_use_goes_as_a_whole() -> None:
    x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    kernel = jnp.array([[1.0, 0.3], [1.0, -0.2]])

    def loss(kernel: jax.Array) -> jax.Array:
        return jnp.mean((x @ kernel[:, 0] - x.sum(1)) ** 2) + group_lasso(kernel, 0.05)

    step = jax.jit(lambda kernel: optax.apply_updates(kernel, -0.05 * jax.grad(loss)(kernel)))
    for _ in range(200):
        kernel = step(kernel)
    assert jnp.linalg.norm(kernel[:, 1]) < 0.01
    assert (kernel[:, 0] > 0.9).all()


@pytest.mark.parametrize("axis", [(), 0.5, "0", True])
def test_axes_are_integers(axis: Any) -> None:
    with pytest.raises(ArgumentError, match="GroupLasso: expected `axis` to be an integer, "):
        GroupLasso(axis=axis)


def test_axes_that_are_not_there_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"group_lasso: expected an array with the axes axis=\(3"):
        group_lasso(W, axis=3)
