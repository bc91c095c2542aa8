"""The compiled programs: how often they are traced, in which mode steps run, what is averaged."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.training.models import Everything, Scale, arrays, assert_same, classes
from treexlite.training import Batch, Trainer, TrainState, _form
from treexlite.training._data import take
from treexlite.training._form import Form
from treexlite.training._held import in_mode


class Counting(Trainer):
    """Counts how often its steps are traced, and in which mode."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.traced: list[str] = []

    def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        self.traced.append(f"train {len(batch.x)} {state.model.training}")
        return super().train_step(state, batch)

    def eval_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        self.traced.append(f"eval {len(batch.x)} {state.model.training}")
        return super().eval_step(state, batch)

    def predict_step(self, state: TrainState, batch: Batch) -> Any:
        self.traced.append(f"predict {len(batch.x)} {state.model.training}")
        return super().predict_step(state, batch)


def counting(model: Any = None, **options: Any) -> Counting:
    model = tx.nn.Linear(3) if model is None else model
    return Counting(model, "crossentropy", "adam", ["accuracy"], **options)


@pytest.mark.parametrize("donate", [True, False])
def test_each_shape_is_traced_once(donate: bool) -> None:
    trainer = counting(donate=donate)
    x, y = classes(50)
    for _ in range(2):
        trainer.fit(x, y, batch_size=16, epochs=3, verbose=0, validation_data=(x[:20], y[:20]))
        trainer.evaluate(x[:20], y[:20], batch_size=16, verbose=0)
        trainer.predict(x, batch_size=16, verbose=0)
    assert set(trainer.traced) == {
        "train 16 True",
        "train 2 True",
        "eval 16 False",
        "eval 4 False",
        "predict 16 False",
        "predict 2 False",
    }
    programs = trainer._programs
    assert programs.looped["train"].cache_size() == 2
    assert programs.looped["test"].cache_size() == 2
    assert programs.predict.cache_size() == 2


def test_a_loaded_or_assigned_array_does_not_compile_again() -> None:
    trainer = counting()
    x, y = classes(32)
    trainer.fit(x, y, batch_size=16, verbose=0)
    trainer.model.load_state_dict(arrays(trainer.model))
    trainer.model.bias = trainer.model.bias + 1
    trainer.fit(x, y, batch_size=16, verbose=0)
    assert len(trainer.traced) == 1


@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_in_its_mode(training: bool) -> None:
    model = tx.nn.Sequential(tx.nn.Linear(3)).train(training)
    trainer = counting(model)
    x, y = classes(20)
    trainer.fit(x, y, verbose=0, validation_data=(x, y))
    trainer.evaluate(x, y, verbose=0)
    trainer.predict(x, verbose=0)
    assert trainer.traced[:2] == ["train 20 True", "eval 20 False"]
    assert {module.training for _, module in model.modules()} == {training}


def test_parts_that_were_put_in_another_mode_stay_in_it() -> None:
    model = Everything().init(0, jnp.ones((2, 4)))
    model.norm.eval(inplace=True)
    before = np.array(model.norm.mean)
    trainer = Trainer(model, "crossentropy", "adam")
    x, y = classes(20)
    trainer.fit(x, y, verbose=0)
    np.testing.assert_array_equal(model.norm.mean, before)
    assert (model.training, model.norm.training, model.dropout.training) == (True, False, True)


def test_modes_are_restored_for_shared_parts_and_after_errors() -> None:
    shared = Scale()
    first, second = tx.nn.Sequential(shared), tx.nn.Sequential(shared).eval()
    shared.train(inplace=True)
    model = tx.nn.Sequential(first, second)

    def modes() -> list[bool]:
        return [module.training for _, module in model.modules()]

    before = modes()
    assert False in before
    with in_mode(model, training=False):
        assert not any(modes())
    assert modes() == before
    with pytest.raises(ValueError, match="inside"), in_mode(model, training=False):
        raise ValueError("inside")
    assert modes() == before


def test_evaluation_and_prediction_change_nothing_but_metrics() -> None:
    trainer = counting(Everything())
    x, y = classes(20)
    trainer.fit(x, y, verbose=0)
    before = arrays(trainer.state.replace(metrics={}))
    trainer.evaluate(x, y, verbose=0)
    trainer.predict(x, verbose=0)
    trainer.test_on_batch(x, y)
    trainer.predict_on_batch(x)
    assert_same(arrays(trainer.state.replace(metrics={})), before)


def test_training_changes_every_kind_of_state() -> None:
    trainer = counting(Everything())
    x, y = classes(20)
    trainer.fit(x, y, epochs=0, verbose=0)  # initialises
    before = arrays(trainer.model)
    trainer.fit(x, y, batch_size=10, epochs=3, verbose=0)
    after = arrays(trainer.model)
    unchanged = [name for name, array in before.items() if np.array_equal(array, after[name])]
    assert unchanged == []
    assert trainer.state.step == trainer.optimizer.step == 6


def test_batches_are_gathered_from_any_tree() -> None:
    data = Batch({"a": jnp.arange(5), "b": (jnp.arange(10).reshape(5, 2),)}, None)
    rows = jnp.array([[1, 2], [4, 0]])
    batch = take(data, rows, 1)
    assert batch.x["a"].tolist() == [4, 0]
    assert batch.x["b"][0].tolist() == [[8, 9], [0, 1]]
    assert batch.y is None
    assert take(data, None, 0) is data


class Custom(Trainer):
    """Logs numbers of its own."""

    def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        state.metrics["accuracy"].update(batch.y, state.model(batch.x), batch.sample_weight)
        return {"b": batch.x.sum(), "accuracy": jnp.nan, "loss": 1, "a": state.step}


def test_what_a_step_returns_is_averaged_by_examples() -> None:
    trainer = Custom(tx.nn.Linear(3), metrics=["accuracy"])
    x, y = classes(5)
    logs = trainer.fit(x, y, batch_size=2, shuffle=False, verbose=0).history
    assert list(logs) == ["loss", "accuracy", "a", "b"]
    sums = [x[0:2].sum(), x[2:4].sum(), x[4:].sum()]
    np.testing.assert_allclose(logs["b"], np.dot([2, 2, 1], sums) / 5, rtol=1e-5)
    np.testing.assert_allclose(logs["a"], [(2 * 0 + 2 * 1 + 1 * 2) / 5], rtol=1e-6)
    assert logs["accuracy"] == [float(trainer.state.metrics["accuracy"].compute())]


@pytest.mark.parametrize(
    ("reduction", "mean"), [("sum_over_batch_size", 0.5), ("sum", 0.5), ("weighted_mean", 0.7)]
)
def test_what_a_step_returns_is_averaged_as_the_loss_divides(reduction: Any, mean: float) -> None:
    loss = tx.losses.CrossEntropy(reduction=reduction)
    trainer = Custom(tx.nn.Linear(3), loss, metrics=["accuracy"])
    x, y = classes(4)
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    logs = trainer.fit(x, y, 2, verbose=0, shuffle=False, sample_weight=weights).history
    np.testing.assert_allclose(logs["a"], [mean], rtol=1e-6)


def test_no_logs_are_fine() -> None:
    class Silent(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> Any:
            return None

    assert Silent(Scale()).fit(np.ones(4), verbose=0).history == {}


def test_larger_values_of_metrics_stay_arrays() -> None:
    class Counts(tx.metrics.Metric):
        counts: jax.Array = tx.MetricState.node()

        def reset(self) -> "Counts":
            self.counts = jnp.zeros(3, jnp.int32)
            return self

        def accumulate(self, target: Any, preds: Any, sample_weight: Any) -> None:
            self.counts = self.counts + jnp.bincount(target, length=3)

        def absorb(self, other: Any) -> None:
            self.counts = self.counts + other.counts

        def compute(self) -> jax.Array:
            return self.counts

    x, y = classes(20)
    trainer = Trainer(tx.nn.Linear(3), "crossentropy", "adam", {"counts": Counts()})
    history = trainer.fit(x, y, batch_size=8, verbose=0)
    np.testing.assert_array_equal(history.history["counts"][0], np.bincount(y))
    np.testing.assert_array_equal(trainer.test_on_batch(x, y)["counts"], np.bincount(y))


def fitted(model: Any = None, **options: Any) -> Trainer:
    x, y = classes(20)
    trainer = Trainer(tx.nn.Linear(3) if model is None else model, "crossentropy", "adam")
    settings = {"batch_size": 4, "epochs": 2, "verbose": 0, **options}
    trainer.fit(x, y, **settings)
    return trainer


class Image(tx.Module):
    """Convolves, which XLA does slowly inside a loop on a CPU."""

    def __init__(self) -> None:
        self.conv, self.head = tx.nn.Conv(2, (3,)), tx.nn.Linear(3)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.head(self.conv(x[..., None]).reshape(len(x), -1))


class Growing(tx.Module):
    """Changes its structure in the first step."""

    seen: Any = tx.State.node()

    def __init__(self) -> None:
        self.seen, self.head = None, tx.nn.Linear(3)

    def __call__(self, x: jax.Array) -> jax.Array:
        if not self.initializing():
            self.seen = jnp.float32(1) if self.seen is None else self.seen + 1
        return self.head(x)


class Printing(tx.Module):
    """Calls Python while it runs, which may fail."""

    def __init__(self, look: Any = lambda x: None) -> None:
        self.head, self.look = tx.nn.Linear(3), look

    def __call__(self, x: jax.Array) -> jax.Array:
        jax.debug.callback(self.look, x)
        return self.head(x)


@pytest.mark.parametrize(
    ("model", "form"),
    [
        (lambda: tx.nn.Linear(3), Form.LOOPED),
        (Everything, Form.LOOPED),
        (Image, Form.SINGLE),
        (Growing, Form.SINGLE),
        (Printing, Form.CAREFUL),
    ],
)
def test_how_steps_are_dispatched_is_read_off_them(model: Any, form: Form) -> None:
    trainer = fitted(model(), shuffle=False)
    assert trainer._programs.forms["train"] is form
    assert trainer.state.step == 10
    single = Trainer(model(), "crossentropy", "adam", seed=0)
    x, y = classes(20)
    for _ in range(2):
        for start in range(0, 20, 4):
            single.train_on_batch(x[start : start + 4], y[start : start + 4])
    for path, array in arrays(trainer.model).items():
        np.testing.assert_allclose(array, arrays(single.model)[path], rtol=1e-4, atol=1e-6)


def test_long_steps_go_one_by_one_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_form, "LOOP_FLOPS", 1)
    assert fitted()._programs.forms["train"] is Form.SINGLE
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert fitted()._programs.forms["train"] is Form.LOOPED


@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("donate", [False, True])
def test_a_step_that_fails_while_it_runs_leaves_the_state_before_it(
    eagerly: bool, donate: bool
) -> None:
    seen: list[int] = []

    def look(x: Any) -> None:
        seen.append(len(x))
        if len(seen) > 3:
            raise ValueError("the fourth batch")

    x, y = classes(20)
    trainer = Trainer(Printing(look), "crossentropy", "adam", donate=donate, run_eagerly=eagerly)
    trainer.fit(x, y, epochs=0, verbose=0)
    seen.clear()
    with pytest.raises(Exception, match="the fourth batch"):
        trainer.fit(x, y, 4, verbose=0, shuffle=False)
    assert trainer.state.step == trainer.optimizer.step == 3
    whole = Trainer(Printing(), "crossentropy", "adam", donate=donate, run_eagerly=eagerly)
    whole.fit(x[:12], y[:12], 4, verbose=0, shuffle=False)
    assert_same(arrays(trainer.model), arrays(whole.model))
    trainer.model.look = lambda x: None
    trainer.fit(x, y, 4, verbose=0)  # and goes on


def test_eager_steps_are_python() -> None:
    batches: list[float] = []

    class Plain(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
            batches.append(float(batch.x.sum()))
            return super().train_step(state, batch)

        def eval_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
            logs = super().eval_step(state, batch)
            return logs if float(logs["loss"]) > 0 else {}

    x, y = classes(12)
    model = tx.nn.Sequential(tx.nn.Linear(3), tx.nn.Dropout(0.3))
    compiled = Trainer(model.copy(), "crossentropy", "sgd", ["accuracy"])
    eager = Plain(model, "crossentropy", "sgd", ["accuracy"], run_eagerly=True)
    history = eager.fit(x, y, 4, shuffle=False, verbose=0, validation_data=(x, y))
    np.testing.assert_allclose(batches, x.reshape(3, -1).sum(1), rtol=1e-5)
    expected = compiled.fit(x, y, 4, shuffle=False, verbose=0, validation_data=(x, y))
    for name, values in expected.history.items():
        np.testing.assert_allclose(history.history[name], values, rtol=1e-4)
    for path, array in arrays(compiled.model).items():
        np.testing.assert_allclose(arrays(eager.model)[path], array, rtol=1e-3, atol=1e-5)


def test_a_callback_of_eager_steps_hears_of_a_missing_name_when_it_is_missed() -> None:
    class Plain(Trainer):
        def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
            return super().train_step(state, batch)

    trainer = Plain(tx.nn.Linear(3), "crossentropy", "sgd", run_eagerly=True)
    stop = tx.callbacks.EarlyStopping("acuracy", mode="max")
    for steps in (3, 3):  # at the end of its first epoch, and now before the first step
        with pytest.raises(tx.errors.UnknownNameError, match="acuracy"):
            trainer.fit(*classes(12), 4, epochs=2, verbose=0, callbacks=[stop])
        assert trainer.state.step == steps
