"""Dtypes and ranks."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite.nn._promotion import along_last, broadcasts, compute_dtype, pad_rank


def test_a_given_dtype_wins() -> None:
    assert compute_dtype("bfloat16", jnp.ones(2)) == jnp.bfloat16


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("float32", "float32"), "float32"),
        (("bfloat16", "bfloat16"), "bfloat16"),
        (("bfloat16", "float32"), "float32"),
        (("float16", "bfloat16"), "float32"),
        (("uint8", "bfloat16"), "bfloat16"),
        (("int32",), "float32"),
        (("bool",), "float32"),
    ],
)
def test_without_one_the_arrays_promote_to_a_floating_type(
    types: tuple[str, ...], expected: str
) -> None:
    arrays = [jnp.ones(1, dtype) for dtype in types]
    assert compute_dtype(None, *arrays, None) == expected


def test_a_vector_gets_the_rank_of_the_other() -> None:
    assert along_last(jnp.arange(3), jnp.ones((2, 5, 3))).shape == (1, 1, 3)
    assert along_last(jnp.arange(3), jnp.ones(3)).shape == (3,)
    np.testing.assert_array_equal(along_last(jnp.arange(3), jnp.ones((2, 3)))[0], [0, 1, 2])


def test_axes_in_front_and_sizes_that_broadcast() -> None:
    assert pad_rank(jnp.ones((2, 3)), 4).shape == (1, 1, 2, 3)
    assert broadcasts((1, 3), (2, 3))
    assert not broadcasts((2, 3), (1, 3))
    assert not broadcasts((3,), (2, 3))
