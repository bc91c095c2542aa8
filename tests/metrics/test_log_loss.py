"""`LogLoss`: the surprise at the true class."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError
from treexlite.metrics import LogLoss


def test_it_is_the_mean_surprise() -> None:
    chances = jnp.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]])
    value = LogLoss()(jnp.array([0, 1]), chances)
    np.testing.assert_allclose(value, (np.log(2) + np.log(4)) / 2, rtol=1e-6)
    value = LogLoss()(jnp.array([0, 1]), chances, jnp.array([1.0, 3.0]))
    np.testing.assert_allclose(value, (np.log(2) + 3 * np.log(4)) / 4, rtol=1e-6)


def test_a_certain_error_is_finite_and_certainty_costs_nothing() -> None:
    largest = -np.log(2.0**-23)
    np.testing.assert_allclose(LogLoss()(jnp.array([1, 0]), jnp.array([0.0, 1.0])), largest)
    assert LogLoss()(jnp.array([1, 0]), jnp.array([1.0, 0.0])) < 2e-7


def test_logits_far_apart_are_exact() -> None:
    metric = LogLoss(from_logits=True)
    assert metric(jnp.array([0]), jnp.array([[-300.0, 300.0]])) == 600
    assert metric(jnp.array([0]), jnp.array([600.0])) == 600


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
def test_half_precision_is_measured_in_more(dtype: Any) -> None:
    value = LogLoss()(jnp.array([0, 1]), jnp.array([[0.5, 0.5], [0.75, 0.25]], dtype))
    np.testing.assert_allclose(value, np.log(8) / 2, rtol=1e-6)


def test_what_is_outside_its_range_is_refused_or_nan_when_traced() -> None:
    for target, preds, message in [
        ([0, 3], [[0.5, 0.5]] * 2, "LogLoss: expected labels from 0 to 1"),
        ([0, 1], [[0.5, 0.5], [3.0, -2.0]], "LogLoss: expected probabilities, from 0 to 1"),
        ([0, 1], [0.5, 3.0], "LogLoss: expected probabilities, from 0 to 1"),
    ]:
        batch = jnp.array(target), jnp.array(preds)
        with pytest.raises(RangeError, match=message):
            LogLoss()(*batch)
        assert jnp.isnan(jax.jit(lambda *x: LogLoss()(*x))(*batch))


def test_missing_targets_are_refused() -> None:
    with pytest.raises(ArgumentError, match="LogLoss: expected both `target` and `preds`"):
        LogLoss()(preds=jnp.ones(2))
