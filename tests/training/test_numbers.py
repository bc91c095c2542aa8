"""Logs as plain numbers."""

import numpy as np

import treexlite as tx
from tests.training.models import Scale
from treexlite.training import Trainer
from treexlite.training._numbers import as_number, as_numbers


def test_numbers_are_python_floats() -> None:
    assert type(as_number(np.float32(2))) is float
    assert as_number(np.ones(2)).shape == (2,)


def test_a_metric_with_several_values_logs_each() -> None:
    logs = {"loss": np.float32(2), "m": {"b": np.float32(1), "a": {"c": np.ones(2)}}}
    numbers = as_numbers(logs)
    assert list(numbers) == ["loss", "m/b", "m/a/c"]
    assert type(numbers["m/b"]) is float
    metrics = tx.metrics.Metrics([tx.metrics.MeanAbsoluteError(), tx.metrics.MeanSquaredError()])
    trainer = Trainer(Scale(2.0), "mse", "adam", metrics)
    x = np.ones((4, 1), np.float32)
    names = ["loss", "metrics/mean_absolute_error", "metrics/mean_squared_error"]
    assert list(trainer.fit(x, x, batch_size=3, verbose=0).history) == names
    assert list(trainer.train_on_batch(x, x)) == names
