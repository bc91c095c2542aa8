"""A smaller learning rate on a plateau."""

from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.callbacks.fits import Line, X, line
from tests.callbacks.test_early_stopping import Script
from treexlite._errors import ArgumentError
from treexlite.callbacks import ReduceLROnPlateau


def rates(values: list[float | None], **options: Any) -> list[float]:
    """Return the learning rate of each epoch, and the one after the last."""
    trainer = line(rate=1.0)
    plateau = ReduceLROnPlateau(factor=0.5, **options)
    trainer.fit(X[:4], X[:4], 4, len(values), 0, callbacks=[Script(values), plateau])
    return [*trainer.history.history["learning_rate"], float(trainer.optimizer.learning_rate)]


def test_the_rate_falls_after_patience_epochs() -> None:
    assert rates([3, 2, 2, 2, 1], patience=2) == [1, 1, 1, 1, 0.5, 0.5]


def test_it_falls_again_and_stops_at_the_lowest() -> None:
    found = rates([1] * 6, patience=1, min_lr=0.2)
    np.testing.assert_allclose(found, [1, 1, 0.5, 0.25, 0.2, 0.2, 0.2], rtol=1e-6)


def test_nothing_counts_while_it_cools_down() -> None:
    assert rates([1] * 6, patience=1, cooldown=2) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_small_changes_do_not_count() -> None:
    assert rates([3, 2.9, 2.8], patience=2, min_delta=0.5) == [1, 1, 1, 0.5]


def test_epochs_without_the_number_do_not_count() -> None:
    assert rates([1, None, None, 1], patience=1) == [1, 1, 1, 1, 0.5]


def test_the_steps_have_the_new_rate() -> None:
    trainer = line(rate=0.2, w=1.0)
    plateau = ReduceLROnPlateau("loss", factor=0.25, patience=1, min_delta=9.0)
    x = np.ones((1, 1), np.float32)
    history = trainer.fit(x, 0 * x, 1, 3, 0, callbacks=[plateau])
    # w falls by the factor 1 - 2 * rate; the rate falls after the second epoch.
    np.testing.assert_allclose(history.history["loss"], [1, 0.6**2, 0.6**4], rtol=1e-6)
    np.testing.assert_allclose(trainer.model.w, 0.6**2 * 0.9, rtol=1e-6)


def test_every_group_is_reduced() -> None:
    optimizer = tx.Optimizer({"**": tx.Optimizer("sgd", learning_rate=0.5)})
    trainer = tx.Trainer(Line(), loss="mse", optimizer=optimizer)
    plateau = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=9.0)
    history = trainer.fit(X[:4], X[:4], 4, 3, 0, callbacks=[plateau])
    assert [name for name in history.history if "learning" in name] == ["learning_rate_**"]
    assert history.history["learning_rate_**"] == [0.5, 0.5, 0.25]


def test_reductions_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    rates([1, 1], patience=1, verbose=1)
    wanted = "Epoch 2: val_loss has not improved, learning_rate is 0.5 now\n"
    assert capsys.readouterr().out == wanted


def test_its_state_continues() -> None:
    plateau, other = ReduceLROnPlateau(), ReduceLROnPlateau()
    plateau.best, plateau.wait, plateau.cooldown_counter = 0.5, 3, 2
    other.load_state_dict(plateau.state_dict())
    assert (other.best, other.wait, other.cooldown_counter) == (0.5, 3, 2)


def test_a_schedule_cannot_be_reduced() -> None:
    optimizer = tx.Optimizer("sgd", learning_rate=lambda step: 0.1)
    trainer = tx.Trainer(Line(), loss="mse", optimizer=optimizer)
    with pytest.raises(ArgumentError, match="expected an optimizer whose learning rate is a numb"):
        trainer.fit(X, X, verbose=0, callbacks=[ReduceLROnPlateau("loss")])
    assert int(trainer.state.step) == 0


@pytest.mark.parametrize(
    "options", [{"factor": 1.0}, {"factor": 0}, {"patience": -1}, {"cooldown": -1}, {"min_lr": -1}]
)
def test_arguments_are_checked(options: Any) -> None:
    with pytest.raises(ArgumentError, match=f"OnPlateau: expected `{next(iter(options))}` to be"):
        ReduceLROnPlateau(**options)
