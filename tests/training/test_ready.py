"""What happens before the first step: nothing is changed until everything is known to work."""

from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.training.models import classes
from treexlite._errors import DataError, RangeError, ShapeError, TreexliteError
from treexlite.training import Batch, Trainer


def trainer(**options: Any) -> Trainer:
    return Trainer(tx.nn.MLP([8, 3]), "crossentropy", "adam", ["accuracy"], **options)


x, y = classes(12)
WRONG: list[tuple[dict[str, Any], type[TreexliteError]]] = [
    ({"x": x, "y": y[:5]}, DataError),
    ({"x": x, "y": y + 3}, RangeError),
    ({"x": x, "y": y, "validation_data": (x, y + 3)}, RangeError),
    ({"x": x, "y": y, "validation_data": (x[:, :2], y)}, ShapeError),
    ({"x": x, "y": y, "validation_data": (x, y[:, None, None])}, TreexliteError),
    ({"x": x, "y": None}, DataError),
    ({"x": x, "y": y, "sample_weight": np.ones((12, 7))}, TreexliteError),
    ({"x": lambda: iter([(x, y[:5])])}, DataError),
    ({"x": lambda: iter([(x, y + 3)])}, RangeError),
]


@pytest.mark.parametrize(("data", "error"), WRONG)
def test_what_does_not_fit_is_an_error_before_anything_changes(data: Any, error: Any) -> None:
    wrong = trainer()
    with pytest.raises(error):
        wrong.fit(**data, verbose=0)
    assert not wrong.model.initialized
    assert wrong.optimizer is not None
    assert not wrong.optimizer.initialized
    assert (wrong.state.step, wrong.history.epoch) == (0, [])
    wrong.fit(x, y, verbose=0)


def test_the_steps_are_traced_once_and_never_run_for_it() -> None:
    seen: list[Any] = []

    class Watching(Trainer):
        def loss_fn(self, model: Any, batch: Batch) -> Any:
            seen.append(batch.x.shape)
            return super().loss_fn(model, batch)

    model = tx.nn.MLP([8, 3])
    Watching(model, "crossentropy", "adam").fit(x, y, 6, epochs=2, verbose=0)
    assert seen == [(6, 4)]


def test_a_step_of_ones_own_is_traced_too() -> None:
    class Wrong(Trainer):
        def train_step(self, state: Any, batch: Batch) -> Any:
            return {"loss": state.model(batch.x) @ batch.x}

    wrong = Wrong(tx.nn.MLP([8, 3]))
    with pytest.raises(TypeError):
        wrong.fit(x, verbose=0)
    assert not wrong.model.initialized
