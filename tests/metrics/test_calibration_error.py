"""`CalibrationError`: how far confidence is from being right that often."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError
from treexlite.metrics import CalibrationError

CHANCES = np.array([0.25, 0.25, 0.55, 0.75, 0.75], np.float32)
LABELS = np.array([0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    ("norm", "wanted"),
    [
        ("l1", 0.4 * 0.25 + 0.6 * (1 - 2.05 / 3)),
        ("l2", np.sqrt(0.4 * 0.25**2 + 0.6 * (1 - 2.05 / 3) ** 2)),
        ("max", 1 - 2.05 / 3),
    ],
)
def test_bins_are_joined_by_a_norm(norm: Any, wanted: float) -> None:
    value = CalibrationError(2, norm=norm)(LABELS, CHANCES)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)


def test_of_classes_the_likeliest_counts() -> None:
    chances = jnp.array([[0.75, 0.125, 0.125], [0.25, 0.25, 0.5], [0.0, 1.0, 0.0]])
    value = CalibrationError(norm="max")(jnp.array([1, 2, 1]), chances)
    assert value == 0.75  # sure of the first, and wrong


def test_an_edge_belongs_to_the_bin_above_and_one_to_the_last() -> None:
    metric = CalibrationError(4).update(np.ones(5), np.array([0.0, 0.25, 0.5, 0.75, 1.0]))
    np.testing.assert_array_equal(metric.weights[0], [1, 1, 1, 2])


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_perfect_confidence_has_no_error(norm: Any) -> None:
    assert CalibrationError(norm=norm)(jnp.array([0, 1]), jnp.array([0.0, 1.0])) == 0


def test_what_is_outside_its_range_is_refused_or_nan_when_traced() -> None:
    for batch in [
        (jnp.array([0, 1]), jnp.array([0.5, 3.0])),
        (jnp.array([0, 1]), jnp.array([[0.5, 0.5], [3.0, 0.0]])),
    ]:
        with pytest.raises(RangeError, match="CalibrationError: expected probabilities, from 0"):
            CalibrationError()(*batch)
        for norm in ("l1", "l2", "max"):
            call = jax.jit(lambda *x, norm=norm: CalibrationError(norm=norm)(*x))
            assert jnp.isnan(call(*batch))


@pytest.mark.parametrize("option", [{"num_bins": 0}, {"norm": "l3"}])
def test_options_are_refused(option: dict[str, Any]) -> None:
    message = f"CalibrationError: expected `{next(iter(option))}` to be"
    with pytest.raises(ArgumentError, match=message):
        CalibrationError(**option)
