"""Losses between numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ShapeError
from treexlite.losses import (
    MeanSquaredError,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)

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


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 3), (4,), ()])
def test_other_distances_are_averaged_alike(shape: tuple[int, ...]) -> None:
    target, preds = np.float64(normal(*shape)), np.float64(normal(*shape))
    low, high = np.maximum(target, 0), np.maximum(preds, 0)
    wanted = {
        mean_absolute_error: np.abs(target - preds),
        mean_absolute_percentage_error: 100 * np.abs((target - preds) / target),
        mean_squared_logarithmic_error: (np.log1p(low) - np.log1p(high)) ** 2,
    }
    for function, values in wanted.items():
        expected = values.mean(-1) if values.ndim > 1 else values
        received = function(np.float32(target), np.float32(preds))
        np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-7)


def test_a_target_of_zero_counts_as_a_small_one_in_percent() -> None:
    values = mean_absolute_percentage_error(jnp.zeros(2), jnp.array([0.0, 1e-7]))
    np.testing.assert_allclose(values, [0, 100], rtol=1e-6)


def test_small_numbers_keep_their_digits_under_the_log() -> None:
    value = mean_squared_logarithmic_error(jnp.zeros(1), jnp.array([1e-10]))
    np.testing.assert_allclose(value, [1e-20], rtol=1e-5)


def test_what_is_below_zero_has_no_log_and_no_gradient() -> None:
    def total(preds: jax.Array) -> jax.Array:
        return mean_squared_logarithmic_error(jnp.ones(3), preds).sum()

    gradient = jax.grad(total)(jnp.array([-5.0, 0.0, 1.0]))
    np.testing.assert_allclose(gradient, [0, -2 * np.log(2), 0], rtol=1e-6)


@pytest.mark.parametrize(
    "function",
    [mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error],
)
def test_all_refuse_other_shapes_by_their_own_name(function: Any) -> None:
    with pytest.raises(ShapeError, match=rf"{function.__name__}: expected `target` and `preds` of"):
        function(normal(4, 3), normal(4, 1))
