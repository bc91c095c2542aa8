"""Memory that a device can take over."""

from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from treexlite.training._host import ALIGNMENT, given_away, joined, owned

DTYPES = [np.float32, np.float16, np.int8, np.uint32, np.bool_, ml_dtypes.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3,), (5, 4, 3)])
def test_copies_are_equal_aligned_and_independent(dtype: Any, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    before = array.copy()
    for turned in (array, array.T.copy().T):
        copy = owned(turned)
        assert copy.dtype == array.dtype
        assert copy.ctypes.data % ALIGNMENT == 0
        np.testing.assert_array_equal(copy, before)
    array[...] = 0
    np.testing.assert_array_equal(copy, before)


def test_nothing_can_be_copied() -> None:
    copy = owned(np.ones((2, 0, 3), np.int16))
    assert (copy.shape, copy.dtype) == ((2, 0, 3), np.int16)


def test_parts_are_joined_in_their_order() -> None:
    parts = [np.ones((2, 3), np.int32), np.zeros((1, 3), np.int32), np.ones((3, 3), np.int32)]
    whole = joined(parts)
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert whole.ctypes.data % ALIGNMENT == 0


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="other devices have their own memory")
def test_what_is_given_away_is_not_copied_again() -> None:
    whole = owned(np.arange(1000, dtype=np.float32))
    array = given_away(whole)
    assert array.unsafe_buffer_pointer() == whole.ctypes.data
    kept = jnp.ones(3)
    np.testing.assert_array_equal(given_away(kept), kept)
