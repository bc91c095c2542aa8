"""A `tf.data.Dataset` as a stream, where TensorFlow is installed."""

from typing import Any

import numpy as np
import pytest

import treexlite as tx
from tests.training.models import classes
from treexlite._errors import DataError
from treexlite.training import Trainer

tf: Any = pytest.importorskip("tensorflow", reason="TensorFlow is installed by hand, 1.5 GB")

X, Y = classes(50)


def new() -> Trainer:
    return Trainer(tx.nn.Linear(3), "crossentropy", "adam", ["accuracy"])


def fitted(data: Any, **options: Any) -> dict[str, list[Any]]:
    return new().fit(data, verbose=0, **options).history


def dataset(*parts: Any) -> Any:
    return tf.data.Dataset.from_tensor_slices(parts)


@pytest.fixture(scope="module")
def expected() -> dict[str, list[Any]]:
    return new().fit(X, Y, 16, epochs=2, verbose=0, shuffle=False).history


def test_batches_are_those_of_arrays(expected: dict[str, list[Any]]) -> None:
    assert fitted(dataset(X, Y).batch(16).prefetch(1), epochs=2) == expected
    assert fitted(dataset(X, Y).batch(16).repeat(), epochs=2, steps_per_epoch=4) == expected


def test_inputs_may_be_in_a_dict(expected: dict[str, list[Any]]) -> None:
    assert fitted(dataset({"x": X}, Y).batch(16), epochs=2) == expected


def test_a_part_and_an_unknown_length() -> None:
    part = new().fit(X[:32], Y[:32], 16, verbose=0, shuffle=False).history
    assert fitted(dataset(X, Y).batch(16).take(2)) == part
    few = dataset(X, Y).filter(lambda x, y: y < 3).batch(16).take(2)
    assert fitted(few) == part


def test_weights_evaluation_and_prediction() -> None:
    weights = np.linspace(0, 1, 50).astype(np.float32)
    trainer = new()
    trainer.fit(dataset(X, Y, weights).batch(16), verbose=0)
    logs = trainer.evaluate(dataset(X, Y, weights).batch(16), verbose=0)
    assert logs == trainer.evaluate(X, Y, 16, sample_weight=weights, verbose=0)
    preds = trainer.predict(dataset(X, Y).batch(16), verbose=0)
    np.testing.assert_array_equal(preds, trainer.predict(X, 16, verbose=0))


@pytest.mark.parametrize(
    ("make", "fix"),
    [
        (lambda: tf.ragged.constant([[1.0, 2.0], [3.0]]), r"equally long: `ragged\.to_tensor\(\)`"),
        (lambda: tf.sparse.from_dense([[1.0, 0.0], [0.0, 1.0]]), "Make it dense, `tf.sparse"),
        (lambda: tf.constant(["a", "b"]), "Pass NumPy or JAX arrays"),
    ],
)
def test_what_is_no_array_is_refused(make: Any, fix: str) -> None:
    data = tf.data.Dataset.from_tensors((make(), tf.constant([0, 1])))
    message = rf"Trainer.fit, a batch of the stream: expected `x` to be an array of numbers.*{fix}"
    with pytest.raises(DataError, match=message):
        fitted(data)
