"""What a user may write for losses, metrics and counts."""

from typing import Any

import jax.numpy as jnp
import pytest

from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.losses import MeanSquaredError
from treexlite.training._arguments import as_loss


def test_a_loss_may_be_a_name_an_object_or_nothing() -> None:
    loss = MeanSquaredError()
    assert as_loss("Trainer", loss) is loss
    assert isinstance(as_loss("Trainer", "mse"), MeanSquaredError)
    assert as_loss("Trainer", None) is None


def test_a_function_of_each_example_is_weighted() -> None:
    loss = as_loss("Trainer", lambda target, preds: jnp.abs(target - preds))
    assert loss is not None
    target, preds = jnp.zeros(2), jnp.array([1.0, 5.0])
    assert loss(target, preds) == 3
    assert loss(target, preds, jnp.array([3.0, 1.0])) == 4


def test_a_function_may_return_the_mean() -> None:
    loss = as_loss("Trainer", lambda target, preds: jnp.abs(target - preds).mean())
    assert loss is not None
    assert loss(jnp.zeros(2), jnp.array([1.0, 5.0])) == 3


def test_an_unknown_loss_is_refused_with_close_names() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'crossentropy'"):
        as_loss("Trainer", "crosentropy")


@pytest.mark.parametrize("value", [3, MeanSquaredError, ["mse"]])
def test_what_is_no_loss_is_refused(value: Any) -> None:
    message = "Trainer: expected `loss` to be a name, a `tx.losses.Loss`, or a function"
    with pytest.raises(ArgumentError, match=message):
        as_loss("Trainer", value)


def test_a_loss_without_reduction_is_refused() -> None:
    message = r"one number for each batch, received loss=MeanSquaredError\(reduction='none'\)"
    with pytest.raises(ArgumentError, match=message):
        as_loss("Trainer", MeanSquaredError(reduction="none"))


def test_the_mean_of_a_function_adds_up_over_parts() -> None:
    loss = as_loss("Trainer", lambda target, preds: jnp.abs(target - preds).mean())
    assert loss is not None
    total, count = loss.fraction(jnp.zeros(2), jnp.array([1.0, 5.0]))
    assert (float(total), count) == (6.0, 2)
    each = as_loss("Trainer", lambda target, preds: jnp.abs(target - preds))
    assert each is not None
    total, count = each.fraction(jnp.zeros(2), jnp.array([1.0, 5.0]), jnp.array([2.0, 0.0]))
    assert (float(total), count) == (2.0, 2)
