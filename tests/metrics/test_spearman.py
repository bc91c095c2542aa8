"""`SpearmanCorrelation`."""

import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import DataError, ShapeError
from treexlite.metrics import PearsonCorrelation, SpearmanCorrelation

TARGET = jnp.array([3.0, 1.0, 1.0, 7.0, 5.0])
PREDS = jnp.array([30.0, 20.0, 10.0, 10.0, 90.0])


def test_it_is_the_correlation_of_mean_ranks() -> None:
    ranks = jnp.array([3, 1.5, 1.5, 5, 4]), jnp.array([4, 3, 1.5, 1.5, 5])
    wanted = PearsonCorrelation()(*ranks)
    np.testing.assert_allclose(SpearmanCorrelation(capacity=9)(TARGET, PREDS), wanted, rtol=1e-6)


def test_only_the_order_matters() -> None:
    found = SpearmanCorrelation(capacity=9)(jnp.exp(TARGET), -1 / PREDS)
    assert found == SpearmanCorrelation(capacity=9)(TARGET, PREDS)


def test_weights_are_repetitions_and_free_rows_do_not_rank() -> None:
    times = np.array([2, 1, 3, 0, 1])
    repeated = SpearmanCorrelation(capacity=7)(jnp.repeat(TARGET, times), jnp.repeat(PREDS, times))
    weighed = SpearmanCorrelation(capacity=50)(TARGET, PREDS, times)
    np.testing.assert_allclose(weighed, repeated, rtol=1e-6)


def test_infinity_has_a_rank_and_nan_has_none() -> None:
    infinite = SpearmanCorrelation(capacity=9)(TARGET.at[3].set(jnp.inf), PREDS)
    assert infinite == SpearmanCorrelation(capacity=9)(TARGET, PREDS)
    assert jnp.isnan(SpearmanCorrelation(capacity=9)(TARGET.at[0].set(jnp.nan), PREDS))


def test_constants_have_no_correlation() -> None:
    assert jnp.isnan(SpearmanCorrelation(capacity=9)(jnp.ones(5), PREDS))


def test_more_examples_than_fit_are_refused() -> None:
    with pytest.raises(DataError, match="SpearmanCorrelation: expected at most capacity=4"):
        SpearmanCorrelation(capacity=4)(TARGET, PREDS)


def test_one_output_only() -> None:
    with pytest.raises(ShapeError, match=r"\(batch,\) or \(batch, \.\.\., 1\)"):
        SpearmanCorrelation(capacity=4)(jnp.zeros((2, 2)), jnp.zeros((2, 2)))
