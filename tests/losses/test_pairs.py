"""Targets and predictions that are compared number by number."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import RangeError, ShapeError
from treexlite.losses._pairs import (
    alike,
    alike_vectors,
    check_between,
    in_single,
    mean_of_features,
    nan_outside,
)


@pytest.mark.parametrize("dtype", [jnp.int8, jnp.float16, jnp.bfloat16, jnp.float32, bool])
def test_there_is_single_precision_at_least(dtype: Any) -> None:
    assert in_single(jnp.ones(2, dtype)).dtype == jnp.float32


@pytest.mark.parametrize("shapes", [((4, 3), (4, 3)), ((4, 1), (4,)), ((4,), (4, 1)), ((), ())])
def test_a_missing_last_axis_of_size_one_is_put_there(shapes: Any) -> None:
    target, preds = alike("f", jnp.ones(shapes[0], int), jnp.ones(shapes[1], jnp.float16))
    assert target.shape == preds.shape == max(shapes, key=len)
    assert target.dtype == preds.dtype == jnp.float32


@pytest.mark.parametrize("shapes", [((4, 3), (4, 1)), ((4,), (1, 4)), ((4, 3), (3,)), ((), (2,))])
def test_other_shapes_are_refused(shapes: Any) -> None:
    message = r"f: expected `target` and `preds` of the same shape, received target\.shape="
    with pytest.raises(ShapeError, match=message):
        alike("f", jnp.ones(shapes[0]), jnp.ones(shapes[1]))


@pytest.mark.parametrize("shapes", [((4, 1), (4,)), ((4,), (4, 1)), ((), ())])
def test_vectors_lack_no_axis(shapes: Any) -> None:
    target, preds = alike_vectors("f", jnp.ones((4, 3), int), jnp.ones((4, 3), jnp.float16))
    assert target.dtype == preds.dtype == jnp.float32
    message = r"f: expected .* same shape, \(batch, \.\.\., features\), received target\.shape="
    with pytest.raises(ShapeError, match=message):
        alike_vectors("f", jnp.ones(shapes[0]), jnp.ones(shapes[1]))


def test_an_only_axis_holds_examples() -> None:
    x = jnp.arange(6.0)
    np.testing.assert_array_equal(mean_of_features(x.reshape(2, 3)), [1, 4])
    np.testing.assert_array_equal(mean_of_features(x), x)
    assert mean_of_features(x[1]) == 1


@pytest.mark.parametrize("bad", [-0.5, 1.5, np.nan])
def test_targets_outside_their_range_are_refused_or_nan_when_traced(bad: float) -> None:
    target = jnp.array([0.0, bad, 1.0])
    message = r"f: expected `target` from 0 to 1, received values from .* to .*\. Fix\."
    with pytest.raises(RangeError, match=message):
        check_between("f", target, 0, 1, "Fix.")

    def checked(target: jax.Array) -> jax.Array:
        check_between("f", target, 0, 1, "Fix.")
        return nan_outside(jnp.ones(3), target, 0, 1)

    np.testing.assert_array_equal(jax.jit(checked)(target), [1, np.nan, 1])
    check_between("f", jnp.zeros((0,)), 0, 1, "Fix.")
