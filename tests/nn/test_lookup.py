"""Rows of a table by id, and ids that name none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError
from treexlite.nn._lookup import check_ids, look_up, padding_entry

TABLE = jnp.arange(6.0).reshape(3, 2)


def test_rows_and_nan_for_ids_that_name_none() -> None:
    for dtype in ("int8", "uint8", "int32"):
        y = look_up(TABLE, jnp.array([2, 0, 3], dtype))
        np.testing.assert_array_equal(y, [[4, 5], [0, 1], [np.nan, np.nan]])
    assert jnp.isnan(look_up(TABLE, jnp.array([-1]))).all()


def test_ids_outside_the_table_are_refused_where_they_have_values() -> None:
    assert check_ids("A", "ids", [0, 2], 3, "Fix.").dtype == jnp.int32
    with pytest.raises(RangeError, match=r"A: expected `ids` from 0 to 2, .*from -1 to 2. Fix\."):
        check_ids("A", "ids", [-1, 2], 3, "Fix.")
    with pytest.raises(RangeError, match="values from 0 to 3"):
        check_ids("A", "ids", np.array([0, 3]), 3, "Fix.")
    with pytest.raises(ArgumentError, match="A: expected integer `positions`"):
        check_ids("A", "positions", [0.5], 3, "Fix.")
    traced = jax.jit(lambda ids: check_ids("A", "ids", ids, 3, "Fix."))(jnp.array([7]))
    np.testing.assert_array_equal(traced, [7])


def test_the_padding_is_an_entry_or_none() -> None:
    assert padding_entry("A", None, 3) is None
    assert padding_entry("A", np.int64(2), 3) == 2
    for value in (3, -1, 0.0, True):
        with pytest.raises(ArgumentError, match="`padding_id` to be an id from 0 to 2, or None"):
            padding_entry("A", value, 3)
