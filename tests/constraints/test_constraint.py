"""What every constraint does around its formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.constraints import Constraint, MaxNorm
from treexlite.constraints._constraint import FunctionConstraint


def test_a_function_is_a_constraint() -> None:
    constraint = FunctionConstraint(jnp.abs)
    assert constraint(jnp.array([-1.0, 2.0])).tolist() == [1, 2]


def test_half_precision_is_computed_in_single() -> None:
    seen = []

    class Same(Constraint):
        def per_parameter(self, parameter: jax.Array) -> jax.Array:
            seen.append(parameter.dtype)
            return parameter

    assert Same()(jnp.ones(2, jnp.float16)).dtype == jnp.float16
    assert seen == [jnp.float32]


def test_what_is_not_floating_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"MaxNorm: expected a floating array, received array"):
        MaxNorm()(np.array([1, 2]))


def test_shapes_are_kept() -> None:
    message = r"FunctionConstraint: expected `per_parameter` to keep the shape \(2, 3\), received"
    with pytest.raises(ShapeError, match=message):
        FunctionConstraint(lambda x: x.sum(0))(jnp.ones((2, 3)))


def test_what_is_no_filter_is_refused() -> None:
    with pytest.raises(ArgumentError, match="filter: expected a kind, a path pattern"):
        MaxNorm(which=3)  # type: ignore[arg-type]
