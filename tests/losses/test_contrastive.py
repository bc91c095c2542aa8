"""Contrastive."""

from typing import Any

import jax
import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError, RangeError, ShapeError, StructureError
from treexlite.losses import Contrastive, contrastive

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 5, 3)).astype(np.float32)
SAME = np.array([1, 0, 1, 0, 0])


@pytest.mark.parametrize("margin", [0.0, 1.0, 3.0])
def test_the_same_are_drawn_together_and_others_apart(margin: float) -> None:
    d = np.linalg.norm(np.float64(A) - B, axis=-1)
    wanted = np.where(SAME == 1, d**2, np.maximum(margin - d, 0) ** 2)
    for preds in ((A, B), {"a": A, "b": B}, d.astype(np.float32), d.astype(np.float32)[:, None]):
        values = contrastive(SAME, preds, margin=margin)
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(Contrastive(margin=margin)(SAME, (A, B)), wanted.mean(), rtol=1e-5)


def test_targets_may_be_booleans_columns_or_parts() -> None:
    wanted = contrastive(SAME, (A, B))
    for target in (SAME == 1, SAME[:, None], SAME.astype(np.float32)):
        np.testing.assert_array_equal(contrastive(target, (A, B)), wanted)
    half = contrastive(np.array([0.5]), np.array([0.25], np.float32))
    np.testing.assert_allclose(half, [0.5 * 0.25**2 + 0.5 * 0.75**2])


def test_equal_embeddings_of_different_kinds_have_a_finite_gradient() -> None:
    gradient = jax.grad(lambda a: Contrastive()(SAME, (a, A)))(A)
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize(
    ("target", "preds", "error", "message"),
    [
        (2 * SAME - 1, (A, B), RangeError, r"`target` between 0 .* received values from -1 to 1"),
        (SAME[:4], (A, B), ShapeError, r"of one shape \(batch,\), received target.shape=\(4,\)"),
        (SAME, A, ShapeError, r"distances.shape=\(5, 3\)"),
        (SAME, (A, B, A), StructureError, r"a tuple \(a, b\)"),
        (SAME, (A, B[:3]), ShapeError, "`a` and `b` of one shape"),
        (SAME, None, DataError, "`preds` to be an array of real numbers"),
        (None, (A, B), DataError, "`target` to be an array of real numbers"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    target: Any, preds: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"contrastive: expected .*{message}"):
        contrastive(target, preds)


def test_traced_targets_out_of_range_are_nan() -> None:
    values = jax.jit(contrastive)(np.array([1, -1, 0, 2, 1]), (A, B))
    np.testing.assert_array_equal(np.isnan(values), [False, True, False, True, False])


def test_a_negative_margin_is_refused() -> None:
    with pytest.raises(ArgumentError, match="Contrastive: expected `margin`"):
        Contrastive(margin=-1.0)
    with pytest.raises(ArgumentError, match="contrastive: expected `margin`"):
        contrastive(SAME, (A, B), margin=-1.0)
