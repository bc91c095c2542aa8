"""What the metrics of moments share."""

from typing import Any

import jax.numpy as jnp
import pytest

from treexlite._errors import ArgumentError
from treexlite.metrics import PearsonCorrelation, R2Score
from treexlite.metrics._moment_metric import total_weight


@pytest.mark.parametrize("num_outputs", [0, -1, 1.5, True, "2"])
def test_the_number_of_outputs_is_a_whole_number(num_outputs: Any) -> None:
    message = "R2Score: expected `num_outputs` to be a whole number above 0, received num_outputs="
    with pytest.raises(ArgumentError, match=message):
        R2Score(num_outputs=num_outputs)


def test_axes_between_examples_and_outputs_are_examples_too() -> None:
    target = jnp.arange(12.0).reshape(2, 3, 2) ** 2
    preds = target[::-1] + 1
    weights = jnp.array([1.0, 2.0])
    apart = PearsonCorrelation(2)(target, preds, weights)
    flat = target.reshape(6, 2), preds.reshape(6, 2), jnp.repeat(weights, 3)
    assert apart.tolist() == PearsonCorrelation(2)(*flat).tolist()
    per_value = jnp.broadcast_to(weights[:, None], (2, 3))
    assert apart.tolist() == PearsonCorrelation(2)(target, preds, per_value).tolist()


def test_the_weight_of_no_data_is_nan() -> None:
    metric = PearsonCorrelation()
    assert jnp.isnan(total_weight(metric.moments))
    metric.update(jnp.arange(3.0), jnp.arange(3.0), jnp.array([1, 0.5, 0]))
    assert total_weight(metric.moments) == 1.5
