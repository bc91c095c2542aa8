"""Kernels that are drawn as matrices: by fans over many axes, one matrix for each shared entry."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import treexlite as tx
from treexlite.nn._matrix import create_as_matrix


class Kernel(tx.Module):
    """A module with a kernel alone."""

    kernel: jax.Array = tx.Parameter.node()

    def __init__(self, shape: Any, initializer: Any, in_axes: Any, out_axes: Any) -> None:
        self.shape, self.initializer = shape, initializer
        self.in_axes, self.out_axes = in_axes, out_axes

    def __call__(self) -> jax.Array:
        if self.initializing():
            create_as_matrix(
                self,
                "kernel",
                self.initializer,
                self.shape,
                jnp.float32,
                in_axes=self.in_axes,
                out_axes=self.out_axes,
            )
        return self.kernel


def drawn(*arguments: Any) -> np.ndarray:
    return np.asarray(Kernel(*arguments).init(0, ()).kernel)


def test_the_spread_is_that_of_the_matrix() -> None:
    value = drawn((40, 20, 30, 10), "lecun_normal", (0, 3), (1, 2))
    np.testing.assert_allclose(value.std(), 400**-0.5, rtol=0.02)
    value = drawn((40, 20, 30, 10), "he_normal_fan_out", (0, 3), (1, 2))
    np.testing.assert_allclose(value.std(), (2 / 600) ** 0.5, rtol=0.02)


def test_the_axes_end_where_they_belong() -> None:
    value = drawn((3, 5, 4), "orthogonal", (0, 2), (1,))  # (in, out, in)
    matrix = value.transpose(0, 2, 1).reshape(12, 5)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(5), atol=1e-5)


def test_each_shared_entry_has_a_matrix_of_its_own() -> None:
    value = drawn((4, 3, 3), "orthogonal", (2,), (0,))  # (out, shared, in)
    matrices = value.transpose(1, 2, 0)
    for matrix in matrices:
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-5)
    assert not np.allclose(matrices[0], matrices[1])
    spread = drawn((20, 40, 50), "lecun_normal", (1,), (2,)).std()
    np.testing.assert_allclose(spread, 40**-0.5, rtol=0.02)


def test_constants_and_empty_kernels() -> None:
    np.testing.assert_array_equal(drawn((2, 3), "ones", (1,), (0,)), np.ones((2, 3)))
    assert drawn((2, 0, 3), "lecun_normal", (1,), (2,)).shape == (2, 0, 3)
    assert drawn((0, 2, 3), "lecun_normal", (1,), (2,)).shape == (0, 2, 3)
