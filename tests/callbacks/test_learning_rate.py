"""Learning rates as numbers by name."""

import optax
import pytest

import treexlite as tx
from tests.callbacks.fits import Line, X, line
from treexlite._errors import ArgumentError
from treexlite.callbacks import Timer
from treexlite.callbacks._learning_rate import learning_rates, log_rates, set_learning_rates


def timer(optimizer: tx.Optimizer | None) -> Timer:
    """Return any callback of a trainer with that optimizer."""
    trainer = tx.Trainer(Line(), loss="mse", optimizer=optimizer)
    callback = Timer()
    callback.set_trainer(trainer)
    if optimizer is not None:
        trainer.train_on_batch(X, X)
    return callback


def test_one_rate_is_read_and_set() -> None:
    callback = Timer()
    callback.set_trainer(line(rate=0.5))
    assert learning_rates(callback) == {"learning_rate": 0.5}
    set_learning_rates(callback, {"learning_rate": 0.25})
    assert learning_rates(callback) == {"learning_rate": 0.25}


def test_groups_have_a_rate_each() -> None:
    callback = timer(tx.Optimizer({"w": tx.Optimizer("sgd", learning_rate=0.5)}))
    assert learning_rates(callback) == {"learning_rate_w": 0.5}
    set_learning_rates(callback, {"learning_rate_w": 0.25})
    assert learning_rates(callback) == {"learning_rate_w": 0.25}


def test_what_is_logged_already_stays() -> None:
    callback = Timer()
    callback.set_trainer(line(rate=0.5))
    logs = {"loss": 1.0}
    log_rates(callback, logs)
    assert logs == {"loss": 1.0, "learning_rate": 0.5}
    set_learning_rates(callback, {"learning_rate": 0.25})
    log_rates(callback, logs)
    assert logs["learning_rate"] == 0.5


def test_without_an_optimizer_there_is_no_rate() -> None:
    with pytest.raises(ArgumentError, match="Timer: expected a trainer with an optimizer, receive"):
        learning_rates(timer(None))


def test_a_finished_transformation_does_not_show_its_rate() -> None:
    with pytest.raises(ArgumentError, match="expected an optimizer that shows one learning rate"):
        learning_rates(timer(tx.Optimizer(optax.sgd(0.1))))
