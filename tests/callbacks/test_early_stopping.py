"""Early stopping: when it stops, and what it restores."""

from typing import Any

import numpy as np
import pytest

from tests.callbacks.fits import DATA, X, line
from treexlite._errors import ArgumentError
from treexlite.callbacks import Callback, EarlyStopping


class Script(Callback):
    """Replaces a number of each epoch by what the script says."""

    def __init__(self, values: list[float | None], name: str = "val_loss") -> None:
        self.values, self.adds = values, (name,)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.values[epoch] is not None:
            logs[self.adds[0]] = self.values[epoch]


def epochs(values: list[float | None], **options: Any) -> tuple[int, EarlyStopping]:
    """Return how many epochs a training has whose `val_loss` is scripted."""
    stopping = EarlyStopping(**options)
    trainer = line()
    trainer.fit(X[:4], X[:4], 4, len(values), 0, callbacks=[Script(values), stopping])
    return len(trainer.history.epoch), stopping


def test_it_stops_after_patience_epochs_without_improvement() -> None:
    count, stopping = epochs([3, 2, 2, 2, 2, 1], patience=3)
    assert count == 5
    assert (stopping.best, stopping.best_epoch, stopping.stopped_epoch) == (2.0, 1, 4)


def test_an_improvement_begins_anew() -> None:
    count, stopping = epochs([3, 4, 2, 4, 1, 4], patience=2)
    assert count == 6
    assert stopping.stopped_epoch is None


def test_no_patience_stops_at_the_first() -> None:
    assert epochs([3, 2, 2, 1])[0] == 3


def test_small_changes_do_not_count() -> None:
    assert epochs([3, 2.95, 2.9, 2.85, 2.8], min_delta=0.5, patience=2)[0] == 3


def test_larger_may_be_better() -> None:
    assert epochs([1, 2, 3, 3, 4], mode="max")[0] == 4


def test_the_baseline_has_to_be_beaten_within_patience() -> None:
    assert epochs([3, 2.5, 2.4, 2.3], baseline=1.0, patience=2)[0] == 2
    assert epochs([3, 0.5, 0.6, 0.7], baseline=1.0, patience=2)[0] == 4


def test_it_may_begin_later() -> None:
    count, stopping = epochs([1, 5, 4, 3, 4], patience=1, start_from_epoch=2)
    assert (count, stopping.best) == (5, 3.0)


def test_epochs_without_the_number_do_not_count() -> None:
    assert epochs([3, None, None, 4, 5], patience=2)[0] == 5


def test_nan_never_is_the_best() -> None:
    count, stopping = epochs([float("nan"), 2, float("nan"), 3], patience=2)
    assert (count, stopping.best) == (4, 2.0)


def test_it_may_be_used_again() -> None:
    stopping = EarlyStopping(patience=2)
    for _ in range(2):
        trainer = line()
        trainer.fit(X[:4], X[:4], 4, 4, 0, callbacks=[Script([2, 1, 1, 1]), stopping])
        assert len(trainer.history.epoch) == 4
        assert stopping.stopped_epoch == 3


def test_the_best_weights_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    kept: list[float] = []

    class Keep(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            kept.append(float(self.model.w))

    trainer = line()
    stopping = EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    script = Script([3, 1, 2, 2, 2])
    trainer.fit(*DATA, 4, 5, 0, callbacks=[Keep(), script, stopping])
    assert len(kept) == 4
    assert float(trainer.model.w) == kept[1] != kept[3]
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 4: stopped early, val_loss has not improved for 2 epochs",
        "The weights are those of the best epoch, 2",
    ]
    trainer.fit(*DATA, 4, 1, 0)  # the arrays are still there for the next training
    assert np.isfinite(stopping.best_weights["w"])  # type: ignore[index]


def test_without_restoring_the_last_weights_stay() -> None:
    trainer = line()
    trainer.fit(*DATA, 4, 3, 0, callbacks=[Script([1, 2, 3]), EarlyStopping(patience=9)])
    other = line()
    other.fit(*DATA, 4, 3, 0)
    assert trainer.model.w == other.model.w


def test_its_state_continues() -> None:
    _, stopping = epochs([3, 2, 2, 2], patience=9, restore_best_weights=True)
    other = EarlyStopping(patience=9, restore_best_weights=True)
    other.load_state_dict(stopping.state_dict())
    assert (other.best, other.best_epoch, other.wait) == (2.0, 1, 2)
    assert other.best_weights == stopping.best_weights


@pytest.mark.parametrize(
    "options", [{"patience": -1}, {"start_from_epoch": 0.5}, {"baseline": "a"}]
)
def test_arguments_are_checked(options: Any) -> None:
    with pytest.raises(ArgumentError, match=f"EarlyStopping: expected `{next(iter(options))}` to"):
        EarlyStopping(**options)
