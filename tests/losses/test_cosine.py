"""Cosine similarity."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ShapeError
from treexlite.losses import CosineSimilarity, cosine_similarity

RNG = np.random.default_rng(0)
TARGET = RNG.normal(size=(4, 2, 3)).astype(np.float32)
PREDS = RNG.normal(size=(4, 2, 3)).astype(np.float32)


def minus_cosine(target: np.ndarray, preds: np.ndarray) -> np.ndarray:
    target, preds = np.float64(target), np.float64(preds)
    lengths = np.linalg.norm(target, axis=-1) * np.linalg.norm(preds, axis=-1)
    return -(target * preds).sum(-1) / lengths


@pytest.mark.parametrize("size", [1e-30, 1e-12, 1, 1e12, 1e30])
def test_length_does_not_matter(size: float) -> None:
    preds = np.float32(size) * PREDS
    values = cosine_similarity(TARGET, preds)
    np.testing.assert_allclose(values, minus_cosine(TARGET, preds), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(cosine_similarity(preds, TARGET), values, rtol=1e-5, atol=1e-6)
    gradient = jax.grad(lambda preds: cosine_similarity(TARGET, preds).sum())
    np.testing.assert_allclose(gradient(preds) * size, gradient(PREDS), rtol=1e-4, atol=1e-6)


def test_the_gradient_is_at_right_angles_to_the_prediction() -> None:
    gradient = jax.grad(lambda preds: cosine_similarity(TARGET, preds).sum())(PREDS)
    np.testing.assert_allclose((gradient * PREDS).sum(-1), 0, atol=1e-6)


def test_zeros_have_no_direction_and_a_gradient_to_the_target() -> None:
    target, preds = jnp.array([[3.0, 4.0]]), jnp.zeros((1, 2))
    value, gradient = jax.value_and_grad(CosineSimilarity(), argnums=1)(target, preds)
    assert value == 0
    np.testing.assert_allclose(gradient, [[-0.6, -0.8]], rtol=1e-6)
    assert cosine_similarity(preds, target) == 0


@pytest.mark.parametrize("shapes", [((4, 3), (4, 2)), ((4, 1), (4,)), ((), ())])
def test_other_shapes_are_refused(shapes: Any) -> None:
    message = r"cosine_similarity: expected `target` and `preds` of the same shape, \(batch, \.\.\."
    with pytest.raises(ShapeError, match=message):
        cosine_similarity(jnp.ones(shapes[0]), jnp.ones(shapes[1]))
