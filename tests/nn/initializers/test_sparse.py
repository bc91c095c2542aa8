"""Sparse initialisation: how many connections there are, and how large."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError
from treexlite.nn.initializers import sparse

KEY = jax.random.key(0)


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.5, 5), (0.55, 6), (1.0, 10)])
def test_every_unit_has_as_many_zeros(sparsity: float, zeros: int) -> None:
    value = sparse(sparsity)(KEY, (10, 7), jnp.float32)
    np.testing.assert_array_equal((value == 0).sum(0), zeros)


def test_which_inputs_are_left_out_differs_and_is_fair() -> None:
    value = sparse(0.8)(KEY, (10, 4000), jnp.float32)
    share = (value != 0).mean(1)
    np.testing.assert_allclose(share, 0.2, atol=0.03)  # standard error 0.006


def test_the_others_are_normal() -> None:
    value = np.asarray(sparse(0.5, 0.3)(KEY, (100, 400), jnp.float32))
    np.testing.assert_allclose(value[value != 0].std(), 0.3, rtol=0.02)
    np.testing.assert_allclose(value[value != 0].mean(), 0.0, atol=0.01)


def test_a_convolution_counts_its_whole_window() -> None:
    conv = nn.Conv(5, (3, 3), kernel_init=sparse(0.75)).init(0, jnp.ones((1, 4, 4, 4)))
    np.testing.assert_array_equal((conv.kernel != 0).sum((0, 1, 2)), 9)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"sparse: expected `sparsity` to be a number from 0"):
        sparse(1.5)
    with pytest.raises(ArgumentError, match=r"sparse: expected `stddev` to be a finite number"):
        sparse(0.5, -1.0)
    with pytest.raises(ShapeError, match=r"sparse: expected a kernel \(..., in, out\) of at least"):
        sparse(0.5)(KEY, (3,), jnp.float32)
