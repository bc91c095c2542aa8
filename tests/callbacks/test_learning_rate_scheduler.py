"""Learning rates by epoch."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from tests.callbacks.fits import X, line
from treexlite._errors import ArgumentError
from treexlite.callbacks import LearningRateScheduler


def rates(schedule: Any, epochs: int = 3, **options: Any) -> list[float]:
    trainer = line(rate=0.5)
    scheduler = LearningRateScheduler(schedule, **options)
    trainer.fit(X[:4], X[:4], 4, epochs, 0, callbacks=[scheduler])
    logged: list[float] = trainer.history.history["learning_rate"]
    return logged


def test_the_schedule_gets_the_epoch_and_the_present_rate() -> None:
    assert rates(lambda epoch, rate: rate / 2 if epoch else rate) == [0.5, 0.25, 0.125]


def test_a_schedule_of_one_argument_gets_the_epoch() -> None:
    assert rates(lambda epoch: 2.0**-epoch) == [1.0, 0.5, 0.25]


def test_integers_and_arrays_are_numbers() -> None:
    assert rates(lambda epoch: 1, 1) == [1.0]
    assert rates(lambda epoch: jnp.float32(0.5), 1) == [0.5]
    assert rates(lambda epoch: np.float64(0.25), 1) == [0.25]


def test_the_steps_have_the_rate() -> None:
    trainer = line(rate=9.0, w=1.0)
    x = np.ones((1, 1), np.float32)
    scheduler = LearningRateScheduler(lambda epoch: [0.25, 0.0][epoch])
    history = trainer.fit(x, 0 * x, 1, 2, 0, callbacks=[scheduler])
    assert history.history["loss"] == [1.0, 0.25]
    assert float(trainer.model.w) == 0.5


def test_rates_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    rates(lambda epoch: 0.125, 1, verbose=1)
    assert capsys.readouterr().out == "Epoch 1: learning_rate is 0.125\n"


@pytest.mark.parametrize("value", [None, "0.1", -0.1, float("nan"), float("inf"), True, np.ones(2)])
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match="expected `schedule` to return a learning rate, a fin"):
        rates(lambda epoch: value)


@pytest.mark.parametrize("schedule", [0.1, lambda: 0.1, lambda a, b, c: 0.1])
def test_other_schedules_are_refused(schedule: Any) -> None:
    with pytest.raises(ArgumentError, match="expected `schedule` to be a function of the epoch an"):
        LearningRateScheduler(schedule)


def test_an_error_inside_of_the_schedule_is_not_hidden() -> None:
    def broken(epoch: int, rate: float) -> float:
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        rates(broken)
