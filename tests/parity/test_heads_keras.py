"""Several outputs in a trainer: the names and numbers of Keras's `compile` and `fit`.

Metrics differ on purpose where there are weights: Keras's `metrics` leave them out, ours do not. So
they are compared without. Tolerance 1e-5: both compute in float32.
"""

import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.training.models import classes
from treexlite.training import Batch, Trainer
from treexlite.training._class_weight import with_class_weight

keras = pytest.importorskip("keras", reason="Keras is not installed")

FIT: dict[str, Any] = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
RNG = np.random.default_rng(1)
A, B = RNG.normal(size=(4, 1)).astype("float32"), RNG.normal(size=(4, 3)).astype("float32")


class TwoHeads(tx.Module):
    """The two layers of Keras's model, with the same numbers."""

    def __init__(self, as_list: bool) -> None:
        self.as_list = as_list
        self.a, self.b = tx.nn.Linear(1), tx.nn.Linear(3)

    def __call__(self, x: jax.Array) -> Any:
        outputs = {"a": self.a(x), "b": self.b(x)}
        return list(outputs.values()) if self.as_list else outputs


def ours(as_list: bool = False) -> TwoHeads:
    model = TwoHeads(as_list).init(0, jnp.zeros((1, 4)))
    model.a.kernel, model.b.kernel = jnp.array(A), jnp.array(B)
    return model


def theirs(as_list: bool = False) -> Any:
    x = keras.Input((4,))
    layers = [keras.layers.Dense(1, name="a"), keras.layers.Dense(3, name="b")]
    outputs = [layer(x) for layer in layers]
    for layer, kernel in zip(layers, (A, B), strict=True):
        layer.set_weights([kernel, np.zeros(kernel.shape[1])])
    return keras.Model(x, outputs if as_list else dict(zip("ab", outputs, strict=True)))


def cross_entropy() -> Any:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def assert_histories(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert sorted(found) == sorted(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)


def data() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    x, y = classes(20)
    return x, {"a": x[:, :1] * 2, "b": y}


def test_losses_and_metrics_of_heads() -> None:
    x, y = data()
    model = theirs()
    model.compile(
        keras.optimizers.SGD(0.1),
        loss={"a": "mse", "b": cross_entropy()},
        metrics={"a": ["mae"], "b": ["acc"]},
        loss_weights={"a": 0.5, "b": 2.0},
    )
    wanted = model.fit(x, y, **FIT).history
    for steps in (1, 3):
        trainer = Trainer(
            ours(),
            {"a": "mse", "b": "crossentropy"},
            optax.sgd(0.1),
            {"a": ["mae"], "b": ["acc"]},
            loss_weights={"a": 0.5, "b": 2.0},
            accumulate_steps=steps,
        )
        assert_histories(trainer.fit(x, y, **FIT).history, wanted)


@pytest.mark.parametrize("shared", [False, True])
def test_weights_of_examples(shared: bool) -> None:
    x, y = data()
    weights = np.linspace(0, 1, 20)
    given: Any = weights if shared else {"a": weights, "b": weights[::-1]}
    model = theirs()
    model.compile(keras.optimizers.SGD(0.1), loss={"a": "mse", "b": cross_entropy()})
    wanted = model.fit(x, y, sample_weight=given, **FIT).history
    trainer = Trainer(ours(), {"a": "mse", "b": "ce"}, optax.sgd(0.1))
    assert_histories(trainer.fit(x, y, sample_weight=given, **FIT).history, wanted)


def test_outputs_in_a_list_are_called_by_their_place() -> None:
    x, y = data()
    model = theirs(as_list=True)
    model.compile(keras.optimizers.SGD(0.1), loss=["mse", cross_entropy()], metrics=["mae", "acc"])
    wanted = model.fit(x, list(y.values()), **FIT).history
    wanted = {
        name.replace("a_", "0_").replace("b_", "1_"): values for name, values in wanted.items()
    }
    trainer = Trainer(ours(as_list=True), ["mse", "ce"], optax.sgd(0.1), ["mae", "acc"])
    assert_histories(trainer.fit(x, list(y.values()), **FIT).history, wanted)


@pytest.mark.parametrize("one_hot", [False, True])
def test_weights_of_classes(one_hot: bool) -> None:
    x, y = classes(20)
    table = {0: 1.0, 1: 3.0, 2: 0.5}
    target: Any = np.eye(3, dtype="float32")[y] if one_hot else y
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.set_weights([B, np.zeros(3)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True) if one_hot else cross_entropy()
    model.compile(keras.optimizers.SGD(0.1), loss=loss)
    wanted = model.fit(x, target, class_weight=table, **FIT).history
    layer = tx.nn.Linear(3).init(0, x)
    layer.kernel = jnp.array(B)
    weights = with_class_weight("fit", Batch(x, target), table).sample_weight
    trainer = Trainer(layer, "crossentropy", optax.sgd(0.1))
    assert_histories(trainer.fit(x, target, sample_weight=weights, **FIT).history, wanted)


@pytest.mark.parametrize("classes_given", [1, 3])
def test_accuracy_and_crossentropy_fit_the_shapes(classes_given: int) -> None:
    x, y = classes(20)
    target = (y > 0).astype("int32") if classes_given == 1 else y
    kernel = A if classes_given == 1 else B
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(classes_given)])
    model.set_weights([kernel, np.zeros(classes_given)])
    model.add(keras.layers.Activation("sigmoid" if classes_given == 1 else "softmax"))
    model.compile(loss="crossentropy", metrics=["accuracy"])
    wanted = model.evaluate(x, target[:, None], verbose=0, return_dict=True)
    layer = tx.nn.Linear(classes_given).init(0, x)
    layer.kernel = jnp.array(kernel)
    found = Trainer(layer, "crossentropy", metrics=["accuracy"]).evaluate(x, target, verbose=0)
    assert_histories(found, wanted)  # theirs takes probabilities, ours logits: the same numbers
