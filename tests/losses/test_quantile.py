"""The pinball loss."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError
from treexlite.losses import Quantile, quantile

RNG = np.random.default_rng(0)
TARGET = RNG.normal(size=(5, 3)).astype(np.float32)
PREDS = RNG.normal(size=(5, 3)).astype(np.float32)


def pinball(error: np.ndarray, q: float) -> np.ndarray:
    return np.where(error >= 0, q * error, (q - 1) * error)


@pytest.mark.parametrize("q", [0.01, 0.5, 0.9])
def test_what_is_too_low_costs_q_and_what_is_too_high_the_rest(q: float) -> None:
    wanted = pinball(np.float64(TARGET) - PREDS, q).mean(-1)
    np.testing.assert_allclose(quantile(TARGET, PREDS, q=q), wanted, rtol=1e-6)
    np.testing.assert_allclose(Quantile(q)(TARGET, PREDS), wanted.mean(), rtol=1e-6)
    by_example = quantile(TARGET[:, 0], PREDS[:, :1], q=q)
    np.testing.assert_allclose(by_example, pinball(TARGET - PREDS, q)[:, 0], rtol=1e-5)


def test_it_is_smallest_at_the_quantile() -> None:
    sample = jnp.arange(101.0)
    grid = jnp.arange(-2, 203) / 2
    costs = jax.vmap(lambda x: Quantile(0.8)(sample, jnp.full(101, x)))(grid)
    assert grid[jnp.argmin(costs)] == 80


@pytest.mark.parametrize("shape", [(5, 3), (5,), (5, 1), ()])
def test_several_quantiles_are_the_mean_of_each(shape: tuple[int, ...]) -> None:
    levels = [0.1, 0.5, 0.7, 0.9]
    target = RNG.normal(size=shape).astype(np.float32)
    preds = RNG.normal(size=(*shape, 4)).astype(np.float32)
    each = [quantile(target, preds[..., i], q=q) for i, q in enumerate(levels)]
    wanted = np.mean(each, axis=0)
    received = quantile(target, preds, q=levels)
    assert received.shape == shape[:1]
    np.testing.assert_allclose(received, wanted, rtol=1e-5)
    if shape == (5, 1):  # the quantiles may stand in place of the only feature
        np.testing.assert_allclose(quantile(target, preds[:, 0], q=levels), wanted, rtol=1e-5)


@pytest.mark.parametrize("shapes", [((5, 3), (5, 3)), ((5,), (5, 3)), ((5, 1), (4, 2)), ((), ())])
def test_quantiles_have_an_axis_of_their_own(shapes: Any) -> None:
    message = r"quantile: expected `preds` of shape \(.*\), the quantiles last, received target"
    with pytest.raises(ShapeError, match=message):
        quantile(jnp.zeros(shapes[0]), jnp.zeros(shapes[1]), q=[0.2, 0.8])


def test_one_quantile_has_the_shape_of_the_targets() -> None:
    with pytest.raises(ShapeError, match="quantile: expected `target` and `preds` of the same"):
        quantile(TARGET, PREDS[:, :1])


@pytest.mark.parametrize("q", [0, 1, 1.5, np.nan, [], [0.5, 1.0], [[0.5]], "0.5q", None])
def test_other_levels_are_refused(q: Any) -> None:
    message = "expected `q` to be a number between 0 and 1, or a list of them, received q=.*0.5 for"
    with pytest.raises(ArgumentError, match=f"Quantile: {message}"):
        Quantile(q)
    with pytest.raises(ArgumentError, match=f"quantile: {message}"):
        quantile(TARGET, PREDS, q=q)
