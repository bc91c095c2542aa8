"""`R2Score` and `ExplainedVariance`."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import UnknownNameError
from treexlite.metrics import ExplainedVariance, R2Score

TARGET = jnp.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]])
PREDS = jnp.array([[1.0, 5.0], [3.0, 5.0], [5.0, 6.0]])


@pytest.mark.parametrize("metric", [R2Score, ExplainedVariance])
def test_outputs_are_joined_as_asked(metric: type[ExplainedVariance]) -> None:
    raw = metric(2, multioutput="raw_values")(TARGET, PREDS)
    np.testing.assert_allclose(raw, [1 - 2 / 14, 0], rtol=1e-6)  # the second target is constant
    assert metric(2)(TARGET, PREDS) == raw.mean()
    weighted = metric(2, multioutput="variance_weighted")(TARGET, PREDS)
    np.testing.assert_allclose(weighted, raw[0], rtol=1e-6)


@pytest.mark.parametrize("weights", [None, jnp.array([0.1, 0.3, 0.7])])
@pytest.mark.parametrize("metric", [R2Score, ExplainedVariance])
def test_targets_that_do_not_vary(
    metric: type[ExplainedVariance], weights: jnp.ndarray | None
) -> None:
    target = jnp.full(3, 0.1)
    assert metric()(target, target, weights) == 1
    assert metric()(target, target + jnp.array([0.0, 1.0, 0.0]), weights) == 0
    all_constant = metric(2, multioutput="variance_weighted")
    assert all_constant(TARGET[:1], PREDS[2:]) in (0.0, 1.0)


def test_a_constant_error_counts_for_one_of_them() -> None:
    target = jnp.array([1.0, 2.0, 3.0])
    assert ExplainedVariance()(target, target + 4) == 1
    np.testing.assert_allclose(R2Score()(target, target + 4), 1 - 48 / 2)


def test_targets_far_from_zero() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(1e4, 1, 50).astype(np.float32)
    preds = (target + rng.normal(0, 0.5, 50)).astype(np.float32)
    metric = R2Score()
    for rows in np.split(np.arange(50), [1, 30]):
        metric.update(target[rows], preds[rows])
    t, p = target.astype(np.float64), preds.astype(np.float64)
    wanted = 1 - ((t - p) ** 2).sum() / ((t - t.mean()) ** 2).sum()
    np.testing.assert_allclose(metric.compute(), wanted, rtol=1e-6)


def test_other_ways_to_join_are_refused() -> None:
    message = "R2Score: expected the name of a way to join outputs .*received 'raw'"
    with pytest.raises(UnknownNameError, match=message):
        R2Score(multioutput="raw")  # type: ignore[arg-type]
