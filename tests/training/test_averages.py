"""`Averages`: weighted means of named numbers, on the device."""

import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite._errors import ArgumentError
from treexlite.training._averages import Averages


def test_values_count_by_their_weights_in_the_order_of_names() -> None:
    averages = Averages()
    averages.update({"loss": jnp.array(1.0), "accuracy": 0.5}, 3)
    averages.update({"loss": jnp.array(5.0), "accuracy": 1}, jnp.array(1))
    np.testing.assert_allclose(averages.compute()[:2], [(1.5 + 1) / 4, 2.0])


def test_reset_forgets_everything() -> None:
    averages = Averages()
    averages.update({"loss": 1.0}, 3)
    averages.reset()
    averages.update({"loss": 7.0}, 1)
    assert averages.compute()[0] == 7
    assert averages.totals.shape == Averages().totals.shape


def test_nothing_seen_is_nan() -> None:
    assert np.isnan(Averages().compute()).all()


def test_a_batch_without_weight_does_not_count_whatever_it_holds() -> None:
    averages = Averages()
    averages.update({"loss": 2.0}, 1)
    averages.update({"loss": jnp.nan}, 0)
    assert averages.compute()[0] == 2


def test_names_do_not_change_the_structure() -> None:
    update = tx.jit(lambda averages, values: averages.update(values, 2.0))
    averages = Averages()
    for _ in range(3):
        update(averages, {"a": 1.0, "b": 2.0})
    assert update.cache_size() == 1
    assert averages.compute()[:2].tolist() == [1, 2]


def test_there_is_room_for_any_number_of_names() -> None:
    averages = Averages()
    values = {f"{number:03}": float(number) for number in range(40)}
    update = tx.jit(lambda averages, values: averages.update(values, 2.0))
    for _ in range(3):
        update(averages, values)
    assert averages.compute()[:40].tolist() == list(range(40))


def test_many_steps_lose_nothing() -> None:
    averages = Averages()
    update = tx.jit(lambda averages, value: averages.update({"loss": value}, 64.0))
    values = np.random.default_rng(0).normal(1, 1, 2000).astype(np.float32)
    for value in values:
        update(averages, value)
    np.testing.assert_allclose(averages.compute()[0], values.astype(float).mean(), rtol=1e-7)


def test_a_value_that_is_no_number_is_refused() -> None:
    message = r"train_step: expected logs that are numbers.*received loss=array of shape \(3,\)"
    with pytest.raises(ArgumentError, match=message):
        Averages().update({"loss": jnp.ones(3)}, 1)
