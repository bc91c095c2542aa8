"""Triplet."""

from typing import Any

import jax
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError, StructureError, UnknownNameError
from treexlite.losses import Triplet, triplet

RNG = np.random.default_rng(0)
A, P, N = RNG.normal(size=(3, 5, 4)).astype(np.float32)


def euclidean(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.float64(x) - y, axis=-1)


def squared(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return euclidean(x, y) ** 2


def cosine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(x, axis=-1) * np.linalg.norm(y, axis=-1)
    return 1 - (np.float64(x) * y).sum(-1) / norms


FORMULAS = {"euclidean": euclidean, "squared_euclidean": squared, "cosine": cosine}


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("distance", list(FORMULAS))
def test_the_negative_has_to_be_farther_than_the_positive(distance: Any, swap: bool) -> None:
    d = FORMULAS[distance]
    far = np.minimum(d(A, N), d(P, N)) if swap else d(A, N)
    wanted = np.maximum(d(A, P) - far + 0.5, 0)
    assert (wanted > 0).any()
    options = {"margin": 0.5, "distance": distance, "swap": swap}
    for preds in ((A, P, N), {"negative": N, "anchor": A, "positive": P}):
        values = triplet(None, preds, **options)
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(Triplet(**options)(None, preds), wanted.mean(), rtol=1e-5)


@pytest.mark.parametrize("distance", list(FORMULAS))
def test_equal_embeddings_have_a_finite_gradient(distance: Any) -> None:
    loss = Triplet(distance=distance, swap=True)
    zeros = np.zeros_like(A)
    for preds in ((A, A, A), (zeros, zeros, zeros)):
        value, gradient = jax.value_and_grad(lambda preds: loss(None, preds))(preds)
        np.testing.assert_allclose(value, 1, rtol=1e-6)
        assert all(np.isfinite(leaf).all() for leaf in gradient)


def test_the_target_is_not_read_and_the_predictions_are_selected() -> None:
    loss = Triplet(on="triple", reduction="none")
    wanted = triplet(None, (A, P, N))
    for target in (None, np.zeros(5), {"label": np.zeros(3)}):
        np.testing.assert_array_equal(loss(target, {"triple": (A, P, N), "other": None}), wanted)


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StructureError, match=r"triplet: .* a tuple \(anchor, positive, negative\)"):
        triplet(None, (A, P))
    with pytest.raises(ShapeError, match="triplet: expected `anchor` and `positive` and `neg"):
        triplet(None, (A, P, N[:2]))


def test_options_out_of_range_are_refused() -> None:
    for make in (Triplet, lambda **options: triplet(None, (A, P, N), **options)):
        with pytest.raises(ArgumentError, match="expected `margin` to be a finite number"):
            make(margin=-0.1)
        with pytest.raises(UnknownNameError, match="the name of a distance"):
            make(distance="manhattan")
