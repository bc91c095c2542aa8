"""`CosineSimilarity`."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.metrics import CosineSimilarity


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_length_does_not_matter(scale: float) -> None:
    target = jnp.array([[3.0, 4.0], [1.0, 0.0]]) * scale
    preds = jnp.array([[4.0, 3.0], [-2.0, 0.0]]) / scale
    np.testing.assert_allclose(CosineSimilarity()(target, preds), -0.02, atol=1e-7)


def test_nothing_is_at_a_right_angle_to_everything() -> None:
    assert CosineSimilarity()(jnp.zeros((1, 3)), jnp.ones((1, 3))) == 0


def test_vectors_may_lie_along_any_axis() -> None:
    target = jnp.arange(24.0).reshape(2, 3, 4)
    preds = jnp.flip(target, 1)
    weights = jnp.array([1.0, 3.0])
    moved = CosineSimilarity()(jnp.moveaxis(target, 1, 2), jnp.moveaxis(preds, 1, 2), weights)
    np.testing.assert_allclose(CosineSimilarity(axis=1)(target, preds, weights), moved, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1.5, None, True])
def test_the_axis_is_not_that_of_the_examples(axis: Any) -> None:
    message = "CosineSimilarity: expected `axis` to be a whole number, and not that of the examples"
    with pytest.raises(ArgumentError, match=message):
        CosineSimilarity(axis=axis)


@pytest.mark.parametrize(("axis", "shape"), [(-1, (3,)), (2, (3, 2)), (-2, (3, 2))])
def test_without_such_an_axis_it_is_refused(axis: int, shape: tuple[int, ...]) -> None:
    message = f"CosineSimilarity: expected vectors along axis={axis}, beside the axis of the exa"
    with pytest.raises(ShapeError, match=message):
        CosineSimilarity(axis=axis)(jnp.zeros(shape), jnp.zeros(shape))
