"""The order of events in `fit`, `evaluate` and `predict`."""

import itertools
import signal
from collections.abc import Iterator
from typing import Any

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import treexlite as tx
from tests.budget import ALL_LAWS, examples
from tests.training.models import Everything, Scale, arrays, assert_same, classes
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError
from treexlite.training import Batch, Trainer, TrainState, _feed, _form, _step
from treexlite.training._data import shuffled


def trained(
    seed: int = 0, model: Any = None, **options: Any
) -> tuple[Trainer, dict[str, list[Any]]]:
    x, y = classes(50)
    model = tx.nn.Linear(3) if model is None else model
    trainer = Trainer(model, "crossentropy", "adam", ["accuracy"], seed=seed)
    settings = {"batch_size": 25, "epochs": 2, "verbose": 0, **options}
    return trainer, trainer.fit(x, y, **settings).history


@pytest.fixture(scope="module")
def alone() -> dict[str, list[Any]]:
    """What a training logs whose callbacks do nothing."""
    return trained()[1]


def test_equal_seeds_give_equal_bits_and_others_do_not() -> None:
    (first, history), (second, again) = (trained(3, Everything(), epochs=3) for _ in range(2))
    assert history == again
    assert_same(arrays(first.state), arrays(second.state))
    assert trained(4, Everything(), epochs=3)[1] != history


def test_validation_changes_nothing_in_training() -> None:
    (first, history), (second, validated) = (
        trained(model=Everything(), batch_size=10, steps_per_epoch=3, **options)
        for options in ({}, {"validation_data": classes(20, 1)})
    )
    assert [validated[name] for name in history] == list(history.values())
    assert_same(arrays(first.model), arrays(second.model))


def test_training_goes_on_where_it_stopped() -> None:
    whole, history = trained(epochs=3)
    parts, begun = trained(epochs=1)
    rest = parts.fit(*classes(50), batch_size=25, epochs=3, initial_epoch=1, verbose=0)
    assert rest.epoch == [1, 2]
    assert begun["loss"] + rest.history["loss"] == history["loss"]
    assert_same(arrays(whole.model), arrays(parts.model))


class Frozen(Trainer):
    """Takes no steps, so that every epoch sees the same model; logs which examples came."""

    def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        logs = self.eval_step(state, batch)
        return logs | {"first": batch.x[0, 0]}


def frozen(reduction: Any = "sum_over_batch_size") -> tuple[Trainer, np.ndarray, np.ndarray]:
    x, y = classes(50)
    model = tx.nn.Linear(3).init(0, x)
    loss = tx.losses.CrossEntropy(reduction=reduction)
    return Frozen(model, loss, metrics=["accuracy"]), x, y


# Every pair of values; all triples where all laws are run.
LOGGED = [
    (16, False, "sum_over_batch_size"),
    (16, True, "weighted_mean"),
    (1000, True, "sum_over_batch_size"),
    (1000, False, "weighted_mean"),
]
if ALL_LAWS:
    reductions = ("sum_over_batch_size", "weighted_mean")
    LOGGED = list(itertools.product((1, 16, 25, 50, 1000), (False, True), reductions))


@pytest.mark.parametrize(("batch_size", "weighted", "reduction"), LOGGED)
def test_logs_are_those_of_all_the_data_whatever_the_batches(
    batch_size: int, weighted: bool, reduction: str
) -> None:
    trainer, x, y = frozen(reduction)
    weights = np.random.default_rng(0).uniform(size=50) if weighted else np.ones(50)
    logits = np.asarray(trainer.model(x), np.float64)
    losses = np.log(np.exp(logits).sum(-1)) - logits[np.arange(50), y]
    right = logits.argmax(-1) == y
    divisor = weights.sum() if reduction == "weighted_mean" else 50
    expected = {
        "loss": (weights * losses).sum() / divisor,
        "accuracy": np.average(right, weights=weights),
    }
    given = weights if weighted else None
    data = (x, y) if given is None else (x, y, given)
    history = trainer.fit(
        x, y, batch_size, sample_weight=given, validation_data=data, verbose=0
    ).history
    measured = trainer.evaluate(x, y, batch_size, sample_weight=given, verbose=0)
    for name, value in expected.items():
        np.testing.assert_allclose(history[name], [value], rtol=1e-5)
        np.testing.assert_allclose(history[f"val_{name}"], [value], rtol=1e-5)
        np.testing.assert_allclose(measured[name], value, rtol=1e-5)


def test_validation_comes_from_the_end() -> None:
    trainer, x, y = frozen()
    history = trainer.fit(x, y, validation_split=0.2, verbose=0).history
    held_out = trainer.evaluate(x[40:], y[40:], verbose=0)
    rest = trainer.evaluate(x[:40], y[:40], verbose=0)
    np.testing.assert_allclose(history["val_loss"], held_out["loss"], rtol=1e-6)
    np.testing.assert_allclose(history["loss"], rest["loss"], rtol=1e-6)


def test_validation_can_be_rare_and_short() -> None:
    trainer, x, y = frozen()
    history = trainer.fit(
        x,
        y,
        epochs=5,
        verbose=0,
        validation_data=(x, y),
        validation_freq=2,
        validation_steps=2,
        validation_batch_size=5,
    )
    assert len(history.history["val_loss"]) == 2
    expected = trainer.evaluate(x[:10], y[:10], verbose=0)["loss"]
    np.testing.assert_allclose(history.history["val_loss"], expected, rtol=1e-6)


def test_shuffling_can_be_left_out() -> None:
    trainer, x, y = frozen()
    plain = trainer.fit(x, y, 50, epochs=2, shuffle=False, verbose=0).history["first"]
    assert plain == [float(x[0, 0])] * 2
    shuffled = trainer.fit(x, y, 50, epochs=2, verbose=0).history["first"]
    assert shuffled[0] != shuffled[1]


def test_steps_can_be_limited() -> None:
    trainer, _ = trained(batch_size=16, steps_per_epoch=2)
    assert trainer.state.step == 4
    trainer, _ = trained(batch_size=16, drop_remainder=True)
    assert trainer.state.step == 6
    x, y = classes(50)
    trainer.evaluate(x, y, steps=1, verbose=0)
    assert trainer.predict(x, 16, steps=2, verbose=0).shape == (32, 3)


def test_no_epochs_only_initialise() -> None:
    trainer, history = trained(epochs=0)
    assert history == {}
    assert trainer.model.initialized
    assert trainer.optimizer is not None
    assert trainer.optimizer.initialized


def test_the_device_is_asked_once_for_each_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Any] = []
    original = _step.fetch
    monkeypatch.setattr(_step, "fetch", lambda tree: fetched.append(tree) or original(tree))
    for name in ("__float__", "__int__", "__index__", "__bool__"):
        monkeypatch.setattr(type(jnp.ones(1)), name, None)
    x, y = classes(50)
    trainer, _ = trained(batch_size=2, epochs=3, validation_data=(x, y))
    assert len(fetched) == 3 + 3
    trainer.evaluate(x, y, 2, verbose=0)
    assert len(fetched) == 7


def test_predictions_keep_the_order_and_the_tree() -> None:
    class Heads(Scale):
        def __call__(self, x: Any) -> Any:
            return {"a": self.w * x, "b": (x.astype(jnp.int32), x[:, None])}

    x = np.arange(10, dtype=np.float32)
    trainer = Trainer(Heads())
    preds = trainer.predict(x, batch_size=4, verbose=0)
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(preds))
    np.testing.assert_array_equal(preds["a"], 2 * x)
    np.testing.assert_array_equal(preds["b"][0], x.astype(int))
    np.testing.assert_array_equal(preds["b"][1], x[:, None])


def test_predictions_without_an_axis_are_refused() -> None:
    class Mean(Scale):
        def __call__(self, x: Any) -> Any:
            return x.mean()

    message = r"Trainer.predict: expected outputs whose first axis counts the examples, 3 in this"
    with pytest.raises(ShapeError, match=message):
        Trainer(Mean()).predict(np.ones(3), verbose=0)


class At(tx.callbacks.Callback):
    """Does something after a number of steps."""

    def __init__(self, step: int, action: Any) -> None:
        super().__init__()
        self.countdown, self.action, self.ended = step, action, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.countdown -= 1
        if self.countdown == 0:
            self.action(self.trainer)

    def on_train_end(self, logs: Any = None) -> None:
        self.ended += 1


def test_stop_training_ends_after_the_step() -> None:
    def stop(trainer: Trainer) -> None:
        trainer.stop_training = True

    trainer = Trainer(Scale(), "mse", "sgd")
    data = np.ones(8), np.ones(8)
    history = trainer.fit(*data, 2, epochs=4, verbose=0, callbacks=At(5, stop))
    assert trainer.state.step == 5
    assert history.epoch == [0, 1]
    trainer.fit(*data, 2, verbose=0)  # and the next training starts again
    assert trainer.state.step == 9


@pytest.fixture
def _python_handler() -> Iterator[None]:
    """Tests may run in a process that ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_python_handler")
def test_an_interruption_leaves_the_last_complete_step() -> None:
    def interrupt(trainer: Trainer) -> None:
        signal.raise_signal(signal.SIGINT)

    x, y = classes(40)
    trainer = Trainer(tx.nn.Linear(3), "crossentropy", "adam")
    at = At(6, interrupt)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(x, y, 10, epochs=3, verbose=0, callbacks=at)
    assert at.ended == 1
    assert trainer.state.step == 6
    assert trainer.history.epoch == [0]
    whole = Trainer(tx.nn.Linear(3), "crossentropy", "adam")
    whole.fit(x, y, 10, verbose=0)
    whole.fit(x, y, 10, epochs=2, initial_epoch=1, steps_per_epoch=2, verbose=0)
    assert_same(arrays(trainer.model), arrays(whole.model))


def test_an_error_in_a_step_leaves_the_model_as_it_was() -> None:
    class Wrong(Trainer):
        def loss_fn(self, model: Any, batch: Batch) -> Any:
            model.w = model.w + 1
            raise ValueError("in the loss")

    model = Scale(2.0)
    with pytest.raises(ValueError, match="in the loss"):
        Wrong(model, optimizer="sgd").fit(np.ones(4), verbose=0)
    assert model.w == 2


def test_donation_leaves_what_others_hold() -> None:
    x, y = classes(32)
    model = Everything().init(0, x)
    copy, before, expected = model.copy(), model.state_dict(), arrays(model)
    optimizer = optax.adam(0.1)
    Trainer(model, "crossentropy", optimizer).fit(x, y, 8, epochs=2, verbose=0)
    assert_same(arrays(copy), expected)
    assert_same({name: np.asarray(array) for name, array in before.items()}, expected)
    assert not np.array_equal(model.linear.kernel, expected["linear/kernel"])


def test_without_donation_the_numbers_are_the_same() -> None:
    x, y = classes(32)
    trainers = [
        Trainer(tx.nn.Linear(3), "crossentropy", "adam", donate=donate) for donate in (True, False)
    ]
    donated, kept = [trainer.fit(x, y, 8, verbose=0).history for trainer in trainers]
    assert donated == kept


class Quiet(tx.callbacks.Callback):
    """Hears of each batch, and does nothing."""


class Counted(tx.callbacks.Callback):
    """Wants to hear after every third step, without numbers."""

    every_n_steps, needs_logs = 3, False

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        assert logs == {}
        self.batches.append(batch)


def watched(options: Any, settings: Any) -> tuple[dict[str, list[Any]], Any]:
    x, y = classes(50)
    trainer = Trainer(Everything(), "crossentropy", "adam", ["accuracy"], **options)
    data = {"batch_size": 4, "epochs": 3, "validation_split": 0.2, "verbose": 0}
    history = trainer.fit(x, y, **{**data, **settings}).history
    return history, arrays(trainer.state)


@pytest.fixture(scope="module")
def usual() -> tuple[dict[str, list[Any]], Any]:
    """A training with nothing special."""
    return watched({}, {})


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        *(({"steps_per_execution": n}, {}) for n in ((1, 3, 100) if ALL_LAWS else (3,))),
        ({"donate": False}, {}),
        ({}, {"callbacks": [Quiet()]}),
        ({}, {"callbacks": [Counted(), At(0, None)]}),
        ({}, {"verbose": 2}),
        ({}, {"verbose": 1}),
    ],
)
def test_nothing_changes_the_bits(
    options: Any, settings: Any, usual: tuple[dict[str, list[Any]], Any]
) -> None:
    history, state = watched(options, settings)
    assert history == usual[0]
    assert_same(state, usual[1])


def test_hooks_are_called_after_every_so_many_steps_of_all() -> None:
    trainer, counted = Trainer(Scale(), "mse", "sgd"), Counted()
    data = np.ones(8), np.ones(8)
    trainer.fit(*data, 2, epochs=3, verbose=0, callbacks=counted)
    assert counted.batches == [2, 1, 0, 3]  # steps 3, 6, 9 and 12


@hypothesis.settings(max_examples=examples(12), deadline=None)
@hypothesis.given(
    count=st.integers(1, 9),
    batch_size=st.sampled_from([1, 3, 4, 20]),
    steps=st.sampled_from([1, 2, 100]),
    weighted=st.booleans(),
    shuffle=st.booleans(),
    streamed=st.booleans(),
)
def test_it_is_the_loop_that_one_would_write(
    count: int, batch_size: int, steps: int, weighted: bool, shuffle: bool, streamed: bool
) -> None:
    rng = np.random.default_rng(count)
    x, y, weights = rng.normal(size=(3, count)).astype(np.float32)
    w, losses = 0.5, []
    for epoch in range(2):
        order = shuffled(0, epoch, count) if shuffle and not streamed else np.arange(count)
        total = 0.0
        for start in range(0, count, batch_size):
            rows = order[start : start + batch_size]
            error, weight = w * x[rows] - y[rows], weights[rows] if weighted else np.ones(len(rows))
            total += (weight * error**2).sum()
            w -= 0.1 * (2 * weight * error * x[rows]).mean()
        losses.append(total / count)
    trainer = Trainer(Scale(0.5), "mse", optax.sgd(0.1), steps_per_execution=steps)
    data = (x, y, weights) if weighted else (x, y)

    def batches() -> Iterator[Any]:
        for start in range(0, count, batch_size):
            yield tuple(part[start : start + batch_size] for part in data)

    given = (
        {"x": batches} if streamed else dict(zip(("x", "y", "sample_weight"), data, strict=False))
    )
    history = trainer.fit(**given, batch_size=batch_size, epochs=2, shuffle=shuffle, verbose=0)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-4)
    np.testing.assert_allclose(trainer.model.w, w, rtol=1e-4)


def test_a_wrong_loss_is_an_error_before_anything_changes() -> None:
    x, y = classes(20)
    for options in ({}, {"validation_data": (x, np.ones((20, 7)))}):
        model = tx.nn.Linear(3)
        trainer = Trainer(model, "crossentropy", "adam")
        targets = y if options else np.ones((20, 7))
        with pytest.raises(ShapeError):
            trainer.fit(x, targets, verbose=0, **options)
        assert not model.initialized
        assert trainer.history.epoch == []
        trainer.fit(x, y, verbose=0)


def test_a_name_that_will_not_be_logged_is_refused_before_training() -> None:
    x, y = classes(20)
    model = tx.nn.Linear(3)
    trainer = Trainer(model, "crossentropy", "adam", ["accuracy"])
    stopping = tx.callbacks.EarlyStopping("val_acc")
    with pytest.raises(UnknownNameError, match=r"val_acc.*val_accuracy"):
        trainer.fit(x, y, verbose=0, validation_split=0.5, callbacks=stopping)
    assert trainer.state.step == 0


def test_streams_train_evaluate_and_predict() -> None:
    x, y = classes(20)

    def batches() -> Iterator[Any]:
        return ((x[n : n + 8], y[n : n + 8]) for n in range(0, 20, 8))

    streamed, whole = (Trainer(tx.nn.Linear(3), "crossentropy", "adam", "accuracy") for _ in "ab")
    history = streamed.fit(batches, epochs=3, verbose=0, validation_data=batches)
    expected = whole.fit(x, y, 8, epochs=3, verbose=0, validation_data=(x, y), shuffle=False)
    assert history.history == expected.history
    assert_same(arrays(streamed.state), arrays(whole.state))
    assert streamed.evaluate(batches(), verbose=0) == whole.evaluate(x, y, 8, verbose=0)
    np.testing.assert_array_equal(
        streamed.predict(batches(), verbose=0), whole.predict(x, 8, verbose=0)
    )


class Calls(tx.callbacks.Callback):
    """Calls a function with the trainer at one of the hooks."""

    needs_logs = False

    def __init__(self, hook: str, function: Any) -> None:
        setattr(self, hook, lambda *_: function(self.trainer))


def other_data(trainer: Trainer) -> None:
    trainer.evaluate(*classes(20, 1), verbose=0)
    trainer.test_on_batch(*classes(20, 1))
    trainer.predict(classes(20, 1)[0], verbose=0)


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end"])
def test_a_callback_may_evaluate_in_the_middle_of_an_epoch(hook: str, alone: Any) -> None:
    _, evaluated = trained(callbacks=Calls(hook, other_data))
    assert evaluated == alone


def test_after_an_evaluation_in_a_callback_fit_is_as_before() -> None:
    def look(trainer: Trainer) -> None:
        before = trainer.recent_batches()
        other_data(trainer)
        seen.append((before, trainer.recent_batches()))

    seen: list[Any] = []
    trained(callbacks=Calls("on_train_batch_end", look), epochs=1)
    assert len(seen) == 2
    for before, after in seen:
        assert before
        jax.tree.map(np.testing.assert_array_equal, before, after)


def test_a_callback_cannot_fit(alone: Any) -> None:
    def refit(trainer: Trainer) -> None:
        with pytest.raises(ArgumentError, match=r"Trainer.fit: expected one call of `fit` at a"):
            trainer.fit(*classes(20), verbose=0)

    trainer, history = trained(callbacks=Calls("on_epoch_end", refit))
    assert history == alone
    assert len(trainer.fit(*classes(20), verbose=0).epoch) == 1


def test_callbacks_may_wait_for_numbers_when_there_is_no_epoch_left() -> None:
    stopping = tx.callbacks.EarlyStopping("val_loss")
    history = trained(epochs=2, initial_epoch=2, callbacks=stopping)[1]
    assert history == {}


def test_validation_on_some_batches_uses_the_same_ones_each_time() -> None:
    class Batches:
        def __iter__(self) -> Iterator[Any]:
            x, y = classes(8)
            return ((x[n : n + 2], y[n : n + 2]) for n in range(0, 8, 2))

    trainer, x, y = frozen()
    settings = {"epochs": 2, "verbose": 0, "validation_data": Batches(), "validation_steps": 2}
    first, second = trainer.fit(x, y, **settings).history["val_loss"]
    assert first == second


def test_an_interruption_keeps_what_single_steps_logged() -> None:
    def interrupt(trainer: Trainer) -> None:
        if trainer.position.step == 6:
            raise KeyboardInterrupt

    trainer, x, y = frozen()
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(x, y, 16, 2, 0, Calls("on_train_batch_end", interrupt), record_steps=True)
    assert trainer.history.steps["step"] == [1, 2, 3, 4, 5, 6]


@pytest.fixture(scope="module")
def earlier() -> Trainer:
    """A training that has ended."""
    return trained(1, epochs=1)[0]


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_epoch_end"])
def test_what_a_callback_puts_into_the_model_stays_its_own(hook: str, earlier: Trainer) -> None:
    theirs = earlier.model.state_dict()
    copies = {path: np.array(value) for path, value in theirs.items()}
    trained(epochs=3, callbacks=Calls(hook, lambda trainer: trainer.model.load_state_dict(theirs)))
    assert_same({path: np.asarray(value) for path, value in theirs.items()}, copies)


@pytest.mark.parametrize("kind", ["stream", "on the host", "single", "eager"])
def test_every_kind_of_fit_asks_the_device_once_and_traces_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Any] = []
    traced: list[int] = []
    original = _step.fetch
    monkeypatch.setattr(_step, "fetch", lambda tree: fetched.append(tree) or original(tree))

    class Counting(Trainer):
        def loss_fn(self, model: Any, batch: Batch) -> Any:
            traced.append(len(batch.x))
            return super().loss_fn(model, batch)

    if kind == "on the host":
        monkeypatch.setattr(_feed, "RESIDENT_SHARE", 0.0)
    if kind == "single":
        monkeypatch.setattr(_form, "LOOP_FLOPS", 0.0)
    x, y = classes(20)
    trainer = Counting(tx.nn.Linear(3), "crossentropy", "sgd", run_eagerly=kind == "eager")
    given: Any = (lambda: iter([(x, y)] * 2),) if kind == "stream" else (x, y)
    for _ in range(2):
        trainer.fit(*given, batch_size=10, epochs=3, verbose=0)
    assert len(fetched) == 2 * 3
    steps = 2 * 3 * 2
    # A long step is traced in a loop, which shows that it is long, and then alone.
    expected = {"stream": 1, "on the host": 1, "single": 2}
    if kind in expected:
        assert len(traced) == expected[kind]
    else:
        assert len(traced) >= steps


class Total(tx.metrics.Metric):
    """A metric whose value is its state itself, the memory of which the next step takes over."""

    total: jax.Array = tx.MetricState.node()

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> "Total":
        self.total = jnp.zeros((), jnp.int32)
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: Any) -> None:
        self.total += jnp.sum(target)

    def absorb(self, other: "Total") -> None:
        self.total += other.total

    def compute(self) -> jax.Array:
        return self.total


def long(callbacks: Any = None, **settings: Any) -> Trainer:
    model, metrics = tx.nn.Linear(3), {"total": Total()}
    trainer = Trainer(model, "crossentropy", "adam", metrics, steps_per_execution=2)
    x, y = classes(20)
    trainer.fit(x, y, 10, **{"epochs": 7, "verbose": 0, **settings}, callbacks=callbacks)
    return trainer


@pytest.mark.parametrize("settings", [{}, {"validation_freq": 3}])
def test_logs_that_nobody_looks_at_are_read_later_and_are_the_same(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    if settings:
        settings = {**settings, "validation_data": classes(8)}
    watched = long(Calls("on_epoch_begin", lambda trainer: None), **settings)
    events: list[str] = []
    run, fetch = _step.Programs.run, _step.fetch

    def dispatched(programs: Any, mode: str, *rest: Any) -> Any:
        events.append(mode)
        return run(programs, mode, *rest)

    monkeypatch.setattr(_step.Programs, "run", dispatched)
    monkeypatch.setattr(_step, "fetch", lambda tree: events.append("wait") or fetch(tree))
    trainer = long(**settings)
    shown = {"train": "t", "test": "v", "wait": "."}
    expected = "ttt...v.ttt...v.t." if settings else "ttt.t.t.t.t..."
    assert "".join(shown[event] for event in events) == expected
    assert trainer.history.state_dict() == watched.history.state_dict()
    assert_same(arrays(trainer.state), arrays(watched.state))


def test_an_error_keeps_the_epochs_before_it() -> None:
    def batches() -> Iterator[Any]:
        x, y = classes(20)
        for _ in range(5):
            yield x, y
        raise ValueError("in the stream")

    trainer = Trainer(tx.nn.Linear(3), "crossentropy", "adam")
    with pytest.raises(ValueError, match="in the stream"):
        trainer.fit(batches(), epochs=9, steps_per_epoch=2, verbose=0)
    assert trainer.history.epoch == [0, 1]
    assert len(trainer.history.history["loss"]) == 2


def test_a_second_fit_traces_nothing_and_other_shapes_are_traced() -> None:
    trainer = long(epochs=1)
    traced = trainer._programs.looped["train"]
    before = traced.cache_size()
    x, y = classes(20)
    trainer.fit(x, y, 10, verbose=0)
    assert traced.cache_size() == before
    with pytest.raises(ShapeError):
        trainer.fit(x[:, :1], y, 10, verbose=0)
    with pytest.raises(ShapeError):  # also the second time
        trainer.fit(x[:, :1], y, 10, verbose=0)
    trainer.fit(x, y, 5, verbose=0)
    assert traced.cache_size() == before + 1
