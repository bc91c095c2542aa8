"""One batch at a time, and the table of the model."""

import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import Scale, classes
from treexlite.training import Trainer


def test_single_batches() -> None:
    x, y = np.ones(4, np.float32), np.zeros(4, np.float32)
    trainer = Trainer(Scale(2.0), "mse", optax.sgd(0.25))
    before = trainer.model.w
    assert trainer.test_on_batch(x, y) == {"loss": 4.0}
    assert trainer.train_on_batch(x, y) == {"loss": 4.0}
    assert trainer.train_on_batch(x, y, np.array([0, 0, 0, 4])) == {"loss": 1.0}
    assert trainer.predict_on_batch(x).tolist() == [0.5] * 4
    assert trainer.state.step == 2
    assert before == 2  # single batches never donate


def test_a_batch_logs_its_own_values() -> None:
    x, y = classes(20)
    model = tx.nn.MLP([8, 3]).init(0, x)
    trainer = Trainer(model, "crossentropy", "sgd", ["accuracy"])
    trainer.evaluate(x, y, verbose=0)
    right = np.asarray(model(x).argmax(-1) == y)
    for part in (slice(5), slice(5, 20)):
        logs = trainer.test_on_batch(x[part], y[part])
        np.testing.assert_allclose(logs["accuracy"], right[part].mean(), rtol=1e-6)


def test_the_summary_is_the_table_of_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    x, _ = classes(2)
    trainer = Trainer(tx.nn.MLP([8, 3]).init(0, x))
    trainer.summary()
    assert capsys.readouterr().out == trainer.model.tabulate() + "\n"
    trainer.summary(x)
    assert "f32[2, 3]" in capsys.readouterr().out
