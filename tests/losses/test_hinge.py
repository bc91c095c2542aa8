"""Hinge losses for yes or no."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import RangeError, ShapeError
from treexlite.losses import hinge, squared_hinge

SIDES = np.array([-1, 1, 1, -1, 1, -1])
SCORES = np.array([-3.0, 3.0, 0.5, 0.5, -2.0, 2.0], np.float32)


@pytest.mark.parametrize(("function", "power"), [(hinge, 1), (squared_hinge, 2)])
@pytest.mark.parametrize("target", [SIDES, SIDES == 1, (SIDES + 1) // 2, np.float32(SIDES)])
def test_it_is_what_is_missing_of_a_margin(target: Any, function: Any, power: int) -> None:
    wanted = np.maximum(0, 1 - SIDES * np.float64(SCORES)) ** power
    np.testing.assert_allclose(function(target, SCORES), wanted, rtol=1e-6)
    rows = function(target.reshape(2, 3), SCORES.reshape(2, 3))
    np.testing.assert_allclose(rows, wanted.reshape(2, 3).mean(-1), rtol=1e-6)


@pytest.mark.parametrize("function", [hinge, squared_hinge])
@pytest.mark.parametrize("bad", [2, 0.5, -3, np.nan])
def test_what_is_on_no_side_is_refused_or_nan_when_traced(bad: float, function: Any) -> None:
    target, preds = jnp.array([1.0, bad]), jnp.zeros(2)
    message = rf"{function.__name__}: expected `target` to hold -1 and 1, or 0 and 1, .*MultiMargin"
    with pytest.raises(RangeError, match=message):
        function(target, preds)
    np.testing.assert_array_equal(jnp.isnan(jax.jit(function)(target, preds)), [False, True])
    with pytest.raises(ShapeError, match=f"{function.__name__}: expected `target` and `preds` of"):
        function(SIDES, SCORES.reshape(2, 3))
