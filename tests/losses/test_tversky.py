"""Tversky."""

import jax
import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.losses import Tversky, tversky

PLAIN = {"from_logits": False, "smooth": 0.0}
TRUTH = np.array([[1, 1, 1, 0, 0, 0]], np.float32)[..., None]
MISSING = np.array([[1, 0, 0, 0, 0, 0]], np.float32)[..., None]
SURPLUS = np.array([[1, 1, 1, 1, 1, 0]], np.float32)[..., None]


def test_alpha_weighs_false_alarms_and_beta_misses() -> None:
    options = {"alpha": 0.25, "beta": 0.75, **PLAIN}
    np.testing.assert_allclose(tversky(TRUTH, MISSING, **options), [1 - 1 / (1 + 1.5)], rtol=1e-6)
    np.testing.assert_allclose(tversky(TRUTH, SURPLUS, **options), [1 - 3 / (3 + 0.5)], rtol=1e-6)


def test_gamma_is_the_power_of_each_class() -> None:
    target = np.concatenate([TRUTH, TRUTH], -1)
    preds = np.concatenate([MISSING, SURPLUS], -1)
    plain = np.asarray(tversky(target, preds, average="none", **PLAIN))
    focal = tversky(target, preds, gamma=0.75, **PLAIN)
    np.testing.assert_allclose(focal, (plain**0.75).mean(-1), rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_a_perfect_overlap_costs_nothing_and_has_a_finite_gradient(gamma: float) -> None:
    value, gradient = jax.value_and_grad(Tversky(gamma=gamma, **PLAIN), argnums=1)(TRUTH, TRUTH)
    assert value == 0
    assert np.isfinite(gradient).all()


def test_nan_stays_nan_under_a_power() -> None:
    assert np.isnan(tversky(TRUTH, TRUTH * np.nan, gamma=0.5, **PLAIN)).all()


@pytest.mark.parametrize("options", [{"alpha": -1.0}, {"beta": np.nan}, {"gamma": 0.0}])
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    (name,) = options
    with pytest.raises(ArgumentError, match=f"Tversky: expected `{name}` to be a finite number"):
        Tversky(**options)
    with pytest.raises(ArgumentError, match=f"tversky: expected `{name}` to be a finite number"):
        tversky(TRUTH, TRUTH, **options)
