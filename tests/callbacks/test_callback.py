"""The hooks: which there are, in which order they come, and what they get."""

from typing import Any

import numpy as np

import treexlite as tx
from tests.callbacks.fits import DATA, X, line
from treexlite.callbacks import Callback
from treexlite.callbacks._callback import HOOKS, overrides


class Diary(Callback):
    """Writes down every hook."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name in HOOKS and name != "on_progress":

            def note(*args: Any) -> None:
                self.events.append((name, *args[:-1], sorted(args[-1])))

            return note
        return value


class EveryTwo(Callback):
    every_n_steps = 2

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int]] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.seen.append(("begin", batch, int(self.trainer.state.step)))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append(("end", batch, int(self.trainer.state.step)))
        assert logs["loss"] > 0


def test_every_hook_of_keras_is_there() -> None:
    modes = ("train", "test", "predict")
    batches = [f"on_{mode}_batch_{when}" for mode in modes for when in ("begin", "end")]
    passes = [f"on_{mode}_{when}" for mode in modes for when in ("begin", "end")]
    assert set(HOOKS) == {*batches, *passes, "on_epoch_begin", "on_epoch_end", "on_progress"}


def test_hooks_come_in_order_with_numbers_and_logs() -> None:
    diary = Diary()
    vars(diary).update(dict.fromkeys(("on_train_batch_end", "on_test_batch_end")))
    line().fit(X[:8], 2 * X[:8], 4, 1, 0, callbacks=diary, validation_data=(X[:4], X[:4]))
    assert diary.events == [
        ("on_train_begin", []),
        ("on_epoch_begin", 0, []),
        ("on_train_batch_end", 0, ["loss"]),
        ("on_train_batch_end", 1, ["loss"]),
        ("on_test_begin", []),
        ("on_test_batch_end", 0, ["loss"]),
        ("on_test_end", ["loss"]),
        ("on_epoch_end", 0, ["loss", "val_loss"]),
        ("on_train_end", ["loss", "val_loss"]),
    ]


def test_hooks_of_evaluation_and_prediction() -> None:
    diary = Diary()
    vars(diary).update({"on_predict_batch_begin": None, "on_test_batch_begin": None})
    trainer = line()
    trainer.evaluate(X, X, 40, 0, callbacks=[diary])
    trainer.predict(X, 40, 0, callbacks=[diary])
    assert [event[:-1] for event in diary.events] == [
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_end",),
        ("on_predict_begin",),
        ("on_predict_batch_begin", 0),
        ("on_predict_end",),
    ]


def test_batch_hooks_come_after_every_so_many_steps_of_all_epochs() -> None:
    callback = EveryTwo()
    line().fit(X[:12], X[:12], 4, 2, 0, callbacks=[callback])  # three steps in an epoch
    assert callback.seen == [
        ("begin", 0, 0),
        ("end", 1, 2),
        ("begin", 2, 2),
        ("end", 0, 4),
        ("begin", 1, 4),
        ("end", 2, 6),
    ]


def test_callbacks_do_not_change_the_numbers() -> None:
    plain, watched = line(), line()
    plain.fit(*DATA, 4, 2, 0)
    watched.fit(*DATA, 4, 2, 0, callbacks=[EveryTwo(), tx.callbacks.TerminateOnNaN()])
    np.testing.assert_array_equal(plain.model.w, watched.model.w)


def test_the_trainer_and_its_arguments_are_known() -> None:
    trainer, callback = line(), Callback()
    trainer.fit(*DATA, 4, 2, 0, callbacks=[callback])
    assert callback.trainer is trainer
    assert callback.model is trainer.model
    assert callback.params == {"epochs": 2, "steps": 10, "validation_steps": None, "verbose": 0}


def test_the_base_class_waits_for_no_log_and_has_no_state() -> None:
    assert Callback().required_names() == ()
    assert Callback().state_dict() == {}
    Callback().load_state_dict({})


def test_overrides_are_seen_in_classes_and_objects() -> None:
    assert overrides(EveryTwo(), "on_train_batch_end")
    assert not overrides(EveryTwo(), "on_test_batch_end")
    assert overrides(
        tx.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: None),
        "on_test_batch_end",
    )
