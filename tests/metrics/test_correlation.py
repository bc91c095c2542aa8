"""`PearsonCorrelation` and `ConcordanceCorrelation`."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite.metrics import ConcordanceCorrelation, PearsonCorrelation

RNG = np.random.default_rng(0)
TARGET = RNG.normal(1e4, 1, (60, 2)).astype(np.float32)
PREDS = (0.5 * TARGET + RNG.normal(5e3, 0.5, (60, 2))).astype(np.float32)


def pearson(t: np.ndarray, p: np.ndarray) -> float:
    return float(np.corrcoef(t, p)[0, 1])


def concordance(t: np.ndarray, p: np.ndarray) -> float:
    both = np.cov(t, p, ddof=0)
    return float(2 * both[0, 1] / (both[0, 0] + both[1, 1] + (t.mean() - p.mean()) ** 2))


@pytest.mark.parametrize(
    ("metric", "formula"), [(PearsonCorrelation, pearson), (ConcordanceCorrelation, concordance)]
)
def test_numbers_far_from_zero_in_several_batches(metric: type, formula: object) -> None:
    assert callable(formula)
    found = metric(num_outputs=2)
    for rows in np.split(np.arange(60), [20, 40]):
        found.update(TARGET[rows], PREDS[rows])
    t, p = TARGET.astype(np.float64), PREDS.astype(np.float64)
    wanted = [formula(t[:, i], p[:, i]) for i in range(2)]
    np.testing.assert_allclose(found.compute(), wanted, rtol=1e-6)
    assert metric()(TARGET[:, :1], PREDS[:, 0]).shape == ()


def test_concordance_sees_shift_and_scale() -> None:
    target = jnp.arange(4.0)
    assert PearsonCorrelation()(target, 2 * target + 1) == 1
    assert ConcordanceCorrelation()(target, target) == 1
    assert ConcordanceCorrelation()(target, 2 * target) < 0.9
    assert ConcordanceCorrelation()(target, -target + 3) == -1


@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_products_of_small_and_large_variances_are_not_lost(scale: float) -> None:
    target = jnp.arange(4.0) * scale
    np.testing.assert_allclose(PearsonCorrelation()(target, target), 1, rtol=1e-6)


def test_what_does_not_vary_is_not_correlated() -> None:
    constant, other = jnp.full(3, 0.1), jnp.arange(3.0)
    weights = jnp.array([0.1, 0.3, 0.7])
    assert jnp.isnan(PearsonCorrelation()(constant, other, weights))
    assert jnp.isnan(ConcordanceCorrelation()(constant, constant, weights))
    assert ConcordanceCorrelation()(constant, other, weights) == 0
