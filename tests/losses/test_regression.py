"""Losses between numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ShapeError
from treexlite.losses import MeanSquaredError, mean_squared_error

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3), (4, 1)])
def test_features_are_averaged_for_each_example(shape: tuple[int, ...]) -> None:
    target, preds = normal(*shape), normal(*shape)
    values = mean_squared_error(target, preds)
    assert values.shape == shape[:-1]
    np.testing.assert_allclose(values, ((target - preds) ** 2).mean(-1), rtol=1e-6)


@pytest.mark.parametrize("shape", [(4,), ()])
def test_a_single_axis_holds_examples(shape: tuple[int, ...]) -> None:
    target, preds = normal(*shape), normal(*shape)
    np.testing.assert_allclose(mean_squared_error(target, preds), (target - preds) ** 2, rtol=1e-6)


def test_a_missing_last_axis_of_size_one_is_no_broadcast() -> None:
    column, row = normal(4, 1), normal(4)
    wanted = (column[:, 0] - row) ** 2
    np.testing.assert_allclose(mean_squared_error(column, row), wanted, rtol=1e-6)
    np.testing.assert_allclose(mean_squared_error(row, column), wanted, rtol=1e-6)


@pytest.mark.parametrize("shapes", [((4, 3), (4, 1)), ((4,), (1, 4)), ((4, 3), (3,)), ((), (2,))])
def test_other_shapes_are_refused(shapes: Any) -> None:
    message = (
        r"mean_squared_error: expected `target` and `preds` of the same shape, received "
        r"target\.shape=.*, preds\.shape=.*\. Reshape the targets"
    )
    with pytest.raises(ShapeError, match=message):
        mean_squared_error(normal(*shapes[0]), normal(*shapes[1]))


def test_integers_do_not_overflow() -> None:
    target, preds = np.array([200], np.uint8), np.array([100], np.uint8)
    assert mean_squared_error(target, preds).tolist() == [10000]


def test_vmap_is_a_loop_over_examples() -> None:
    target, preds = normal(5, 4, 3), normal(5, 4, 3)
    lanes = jax.vmap(mean_squared_error)(target, preds)
    loop = [mean_squared_error(*pair) for pair in zip(target, preds, strict=True)]
    np.testing.assert_array_equal(lanes, loop)
    np.testing.assert_array_equal(
        jax.vmap(mean_squared_error)(target[0, :, 0], preds[0, :, 0]),
        mean_squared_error(target[0, :, 0], preds[0, :, 0]),
    )


def test_the_gradient_is_twice_the_difference_over_the_count() -> None:
    target, preds = normal(4, 3), normal(4, 3)
    gradient = jax.grad(MeanSquaredError(), argnums=1)(target, preds)
    np.testing.assert_allclose(gradient, 2 * (preds - target) / 12, rtol=1e-5)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_the_gradient_is_finite_at_extreme_predictions(size: float) -> None:
    preds = jnp.full((2, 3), size)
    assert jnp.isfinite(jax.grad(MeanSquaredError(), argnums=1)(jnp.zeros((2, 3)), preds)).all()


def test_the_object_is_the_function_reduced() -> None:
    target, preds = normal(4, 3), normal(4, 3)
    values = mean_squared_error(target, preds)
    np.testing.assert_array_equal(MeanSquaredError(reduction="none")(target, preds), values)
    np.testing.assert_allclose(MeanSquaredError()(target, preds), values.mean(), rtol=1e-6)
