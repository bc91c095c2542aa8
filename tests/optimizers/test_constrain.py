from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests._core.modules import content, untouched
from tests.optimizers.models import MODEL, gradients, halve, make, named
from treexlite._errors import ArgumentError, PathError, ShapeError


def unit(w: Any) -> Any:
    return w / jnp.linalg.norm(w)


def test_parameters_are_what_the_constraint_returns() -> None:
    model = make()
    optimizer = tx.Optimizer("sgd", 0.1, constraints={"**/w": unit}).init(model)
    optimizer.update(gradients(), model)
    for path, value in named(model).items():
        moved = named(MODEL)[path] - jnp.float32(0.1)
        expected = unit(moved) if path.endswith("w") else moved
        np.testing.assert_array_equal(value, expected)


def test_the_first_pattern_that_matches_decides() -> None:
    model = make()
    constraints = {"first/w": jnp.zeros_like, "*/w": halve}
    tx.Optimizer("sgd", 0.0, constraints=constraints).init(model).update(gradients(), model)
    assert not model.first.w.any()
    np.testing.assert_array_equal(model.last.w, MODEL.last.w / 2)


def test_averages_are_those_of_constrained_parameters() -> None:
    params = {"x": jnp.float32(1.0)}
    optimizer = tx.Optimizer("sgd", 1.0, ema=0.5, constraints={"x": halve}).init(params)
    params = optimizer.update({"x": jnp.float32(-1.0)}, params)
    assert (float(params["x"]), float(optimizer.averaged(params)["x"])) == (1.0, 1.0)


def test_a_constraint_keeps_the_dtype() -> None:
    params = {"x": jnp.ones(2, jnp.bfloat16)}
    widen = lambda w: w.astype(jnp.float32)  # noqa: E731
    optimizer = tx.Optimizer("sgd", constraints={"x": widen}).init(params)
    assert optimizer.update(params, params)["x"].dtype == jnp.bfloat16


def test_a_constraint_keeps_the_shape() -> None:
    model = make()
    optimizer = tx.Optimizer("sgd", constraints={"last/w": jnp.sum}).init(model)
    before = content(optimizer)
    with untouched(model), pytest.raises(ShapeError, match=r"constraint of `last/w` to keep"):
        optimizer.update(gradients(), model)
    assert content(optimizer) == before


def test_a_pattern_without_a_match_is_refused() -> None:
    with pytest.raises(PathError, match=r"'\*\*/kernel', which matches none"):
        tx.Optimizer("sgd", constraints={"**/kernel": halve}).init(make())


@pytest.mark.parametrize("value", [halve, {"**/w": 3}])
def test_constraints_are_functions_by_pattern(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"expected `constraints` to be \{filter: function"):
        tx.Optimizer("sgd", constraints=value)
    with pytest.raises(ArgumentError, match="a kind, a path pattern"):
        tx.Optimizer("sgd", constraints={3: halve})
