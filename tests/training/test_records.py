"""What each single step logged."""

from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.training.models import arrays, assert_same, classes
from treexlite.training import Batch, Trainer, TrainState, _loop, _records
from treexlite.training._records import Records


def test_rows_are_in_the_order_of_names() -> None:
    records = Records()
    records.update({"loss": 2.0, "accuracy": 1.0})
    records.update({"loss": 3.0, "accuracy": 0.0})
    np.testing.assert_array_equal(records.rows[:2, :2], [[1, 2], [0, 3]])
    records.reset()
    assert records.count == 0
    records.update({})
    assert records.count == 1


def test_more_names_than_there_is_room_for_make_room() -> None:
    records = Records()
    records.update({f"{number:02}": number for number in range(20)})
    np.testing.assert_array_equal(records.rows[0], np.arange(20))


class Numbered(Trainer):
    """Logs the number of each step."""

    def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        return super().train_step(state, batch) | {"number": state.step}


@pytest.mark.parametrize("capacity", [2, 512])
def test_every_step_is_in_the_history(capacity: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_records, "CAPACITY", capacity)
    monkeypatch.setattr(_loop, "CAPACITY", capacity)
    x, y = classes(20)

    def run(record_steps: bool) -> tuple[Trainer, Any]:
        trainer = Numbered(tx.nn.MLP([8, 3]), "crossentropy", "adam", ["accuracy"])
        options = {"batch_size": 8, "epochs": 3, "verbose": 0, "validation_data": (x, y)}
        return trainer, trainer.fit(x, y, record_steps=record_steps, **options)

    (recorded, history), (plain, other) = run(True), run(False)
    assert list(history.steps) == ["step", "loss", "number"]
    assert history.steps["step"] == list(range(1, 10))
    assert history.steps["number"] == list(range(9))
    weights = np.array([8, 8, 4] * 3)
    losses = (np.array(history.steps["loss"]) * weights).reshape(3, 3).sum(1) / 20
    np.testing.assert_allclose(losses, history.history["loss"], rtol=1e-5)
    assert other.steps == {}
    assert other.history == history.history
    assert_same(arrays(recorded.state), arrays(plain.state))
