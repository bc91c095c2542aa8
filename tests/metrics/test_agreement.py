"""Agreement beyond chance."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics import CohenKappa, MatthewsCorrelation

LABELS = np.array([0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize("make", [CohenKappa, MatthewsCorrelation])
def test_full_agreement_is_one_and_that_of_chance_zero(make: Any) -> None:
    metric = make(num_classes=3)
    assert metric(LABELS, LABELS) == 1
    np.testing.assert_allclose(metric(np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3)), 0, atol=1e-7)
    np.testing.assert_allclose(metric(LABELS, (LABELS + 1) % 3), -0.5, rtol=1e-6)
    opposite = -1 if make is MatthewsCorrelation else -0.8
    np.testing.assert_allclose(make()(LABELS > 0, LABELS == 0), opposite, rtol=1e-6)


def test_a_constant_correlates_with_nothing() -> None:
    assert MatthewsCorrelation(num_classes=3)(LABELS, np.ones(6, int)) == 0
    assert MatthewsCorrelation()(np.ones(6, int), LABELS > 0) == 0


def test_there_is_no_kappa_where_chance_alone_agrees() -> None:
    assert jnp.isnan(CohenKappa()(np.ones(3, int), np.ones(3, int)))
    assert CohenKappa()(np.ones(3, int), np.array([1, 0, 1])) == 0


def test_a_rare_class_does_not_drown_in_rounding() -> None:
    metric = MatthewsCorrelation()
    target, preds = np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0])
    weights = np.array([3, 1, 1, 2**24], np.float32)
    exact = (3 * 2.0**24 - 1) / (4 * (2.0**24 + 1))
    np.testing.assert_allclose(metric(target, preds, weights), exact, rtol=1e-6)


def test_near_misses_weigh_less_on_a_scale() -> None:
    near, far = np.array([0, 1, 1, 1, 2, 2]), np.array([0, 2, 1, 1, 2, 2])
    for weights, differ in ((None, False), ("linear", True), ("quadratic", True)):
        kappa = CohenKappa(num_classes=3, weights=weights)  # type: ignore[arg-type]
        values = [float(kappa(np.array([0, 0, 1, 1, 2, 2]), preds)) for preds in (near, far)]
        assert (values[0] - values[1] > 0.05) == differ


def test_unknown_weights_are_refused() -> None:
    message = "CohenKappa: expected `weights` to be 'linear', 'quadratic' or None, received weights"
    with pytest.raises(ArgumentError, match=message):
        CohenKappa(weights="cubic")  # type: ignore[arg-type]
