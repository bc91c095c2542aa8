"""The list: who is called when, what is read, and what an error says."""

from typing import Any

import pytest

import treexlite as tx
from tests.callbacks.fits import DATA, line
from treexlite._errors import ArgumentError, TreexliteWarning, UnknownNameError
from treexlite.callbacks import Callback, CallbackList, EarlyStopping, ProgressBar, Timer


def every(steps: int, needs: bool = True, mode: str = "train") -> Any:
    """Return a callback that notes what the hook at the end of batches gets."""
    notes: list[Any] = []
    callback = tx.callbacks.LambdaCallback(
        every_n_steps=steps,
        needs_logs=needs,
        **{f"on_{mode}_batch_end": lambda batch, logs: notes.append((batch, logs))},
    )
    callback.notes = notes  # type: ignore[attr-defined]
    return callback


class Reader:
    """Counts how often somebody waits for the device."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> dict[str, Any]:
        self.count += 1
        return {"loss": 0.5}


def test_the_users_list_is_not_changed() -> None:
    given: list[Any] = [Timer()]
    hooks = CallbackList("fit", given, None, 1)
    assert len(given) == 1
    assert len(hooks) == 2
    assert isinstance(list(hooks)[1], ProgressBar)


def test_a_bar_is_added_unless_there_is_one_or_silence() -> None:
    assert len(CallbackList("fit", None, None, 0)) == 0
    bar = ProgressBar(2)
    assert list(CallbackList("fit", [bar], None, 1)) == [bar]


def test_a_verbosity_that_is_none_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"fit: expected `verbose` to be 0 \(silent\), 1"):
        CallbackList("fit", None, None, 3)


def test_no_batch_hook_asks_for_nothing() -> None:
    hooks = CallbackList("fit", [Timer(), EarlyStopping()], None, 1)
    assert hooks.steps_until_due("train", 0) is None
    read = Reader()
    hooks.batch_end("train", 0, 1, read)
    hooks.progress("train", 1, read)
    assert read.count == 0


@pytest.mark.parametrize(
    ("hook", "watches"),
    [
        ("on_train_begin", False),
        ("on_train_end", False),
        ("on_predict_batch_end", False),
        ("on_epoch_begin", True),
        ("on_epoch_end", True),
        ("on_train_batch_begin", True),
        ("on_test_batch_end", True),
        ("on_test_end", True),
    ],
)
def test_it_is_known_whether_somebody_looks_at_epochs(hook: str, watches: bool) -> None:
    callback = tx.callbacks.LambdaCallback(**{hook: lambda *_: None})
    assert CallbackList("fit", [callback], None, 0).watches_epochs is watches
    assert CallbackList("fit", [callback], None, 1).watches_epochs  # the bar


def test_the_next_of_several_periods_is_due() -> None:
    hooks = CallbackList("fit", [every(4), every(6), every(0), every(1, mode="test")])
    assert [hooks.steps_until_due("train", seen) for seen in range(7)] == [4, 3, 2, 1, 2, 1, 2]
    assert hooks.steps_until_due("test", 3) == 1
    assert hooks.steps_until_due("predict", 3) is None


def test_only_those_that_are_due_are_called_and_logs_are_read_once() -> None:
    first, second, third = every(2), every(3), every(2)
    hooks, read = CallbackList("fit", [first, second, third]), Reader()
    for seen in range(1, 7):
        hooks.batch_end("train", seen - 1, seen, read)
    assert [batch for batch, _ in first.notes] == [1, 3, 5]
    assert [batch for batch, _ in second.notes] == [2, 5]
    assert third.notes == first.notes
    assert read.count == 4


def test_who_needs_no_logs_gets_none_and_nobody_waits() -> None:
    quiet, loud = every(1, needs=False), every(2)
    hooks, read = CallbackList("fit", [quiet, loud]), Reader()
    hooks.batch_end("train", 0, 1, read)
    assert read.count == 0
    hooks.batch_end("train", 1, 2, read)
    assert quiet.notes == [(0, {}), (1, {})]
    assert loud.notes == [(1, {"loss": 0.5})]


def test_one_callback_cannot_spoil_the_batch_logs_of_another() -> None:
    spoil = tx.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: logs.clear())
    other = every(1)
    CallbackList("fit", [spoil, other]).batch_end("train", 0, 1, Reader())
    assert other.notes == [(0, {"loss": 0.5})]


def test_the_beginning_of_so_many_steps_is_announced() -> None:
    begun: list[str] = []
    hooks = CallbackList(
        "fit",
        [
            tx.callbacks.LambdaCallback(
                on_train_batch_begin=lambda batch, logs, name=name: begun.append(name),
                every_n_steps=steps,
            )
            for name, steps in (("two", 2), ("three", 3))
        ],
    )
    announced = []
    for seen in range(7):
        begun.clear()
        hooks.batch_begin("train", seen, seen)
        announced.append(list(begun))
    assert announced == [["two", "three"], [], ["two"], ["three"], ["two"], [], ["two", "three"]]


def test_additions_to_the_logs_reach_those_after_and_the_history() -> None:
    seen: list[Any] = []
    add = tx.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(own=epoch + 1.0))
    look = tx.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["own"]))
    history = line().fit(*DATA, 4, 2, 0, callbacks=[add, look])
    assert seen == history.history["own"] == [1.0, 2.0]


def test_an_error_names_the_callback_its_place_and_the_hook() -> None:
    class Breaks(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise KeyError("missing")

    trainer = line()
    with pytest.raises(KeyError, match="missing") as caught:
        trainer.fit(*DATA, 4, 2, 0, callbacks=[Timer(), Breaks()])
    assert caught.value.__notes__ == ["raised in callbacks[1], Breaks, by its `on_epoch_end`"]
    assert trainer.state.state_dict()  # every array is there
    assert float(trainer.model.w) > 0


def test_names_are_checked_before_the_first_step() -> None:
    trainer = line()
    message = r"fit: callbacks\[0\], EarlyStopping: expected a name among the logs \(loss\), receiv"
    with pytest.raises(UnknownNameError, match=message):
        trainer.fit(*DATA, 4, 2, 0, callbacks=[EarlyStopping("accuracy")])
    with pytest.raises(UnknownNameError, match="There is no validation: pass `validation_data`"):
        trainer.fit(*DATA, 4, 2, 0, callbacks=[EarlyStopping("val_loss")])
    assert int(trainer.state.step) == 0


def test_what_callbacks_add_may_be_watched() -> None:
    adds = tx.callbacks.LearningRateScheduler(lambda epoch: 0.1)
    stopping = EarlyStopping("learning_rate", mode="min")
    CallbackList("fit", [adds, stopping]).check_names(["loss"])


def test_keras_flag_on_the_model_is_refused() -> None:
    def stop(epoch: int, logs: Any, trainer: Any = None) -> None:
        trainer.model.stop_training = True

    trainer = line()
    hook = tx.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: stop(epoch, logs, trainer))
    with pytest.raises(ArgumentError, match=r"expected callbacks to set `self\.trainer\.stop_trai"):
        trainer.fit(*DATA, 4, 2, 0, callbacks=[hook])
    assert not hasattr(trainer.model, "stop_training")


def test_states_go_to_callbacks_of_the_same_class() -> None:
    stopping, other = EarlyStopping("loss", mode="min"), EarlyStopping("loss", mode="min")
    stopping.best, other.best = 1.0, 2.0
    saved = CallbackList("fit", [stopping, Timer(), other]).state_dict()
    assert list(saved) == ["EarlyStopping", "Timer", "EarlyStopping_1"]
    first, second = EarlyStopping("loss"), EarlyStopping("loss")
    CallbackList("fit", [Timer(), first, second]).load_state_dict(saved)
    assert (first.best, second.best) == (1.0, 2.0)


def test_states_without_a_callback_are_told() -> None:
    hooks = CallbackList("fit", [Timer()])
    with pytest.warns(TreexliteWarning, match="a saved state for EarlyStopping, and no such callb"):
        hooks.load_state_dict({"EarlyStopping": {"best": 1.0}})


def test_a_state_that_is_loaded_while_training_begins_is_not_reset() -> None:
    stopping = EarlyStopping("loss", mode="min")
    state = {"best": 0.5, "best_epoch": 3, "wait": 1, "best_weights": None}
    load = tx.callbacks.LambdaCallback(
        on_train_begin=lambda logs: hooks.load_state_dict({"EarlyStopping": state})
    )
    hooks = CallbackList("fit", [load, stopping])
    hooks.begin("train")
    assert (stopping.best, stopping.wait) == (0.5, 1)


def test_those_that_save_come_last_and_keep_their_place_in_messages() -> None:
    class Saves(Callback):
        order = 2

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise RuntimeError("no")

    first, last = Saves(), Timer()
    hooks = CallbackList("fit", [first, last])
    assert list(hooks) == [last, first]
    with pytest.raises(RuntimeError, match="no") as caught:
        hooks.epoch_end(0, {})
    assert caught.value.__notes__ == ["raised in callbacks[0], Saves, by its `on_epoch_end`"]


def test_all_are_closed() -> None:
    closed: list[str] = []

    class Open(Callback):
        def close(self) -> None:
            closed.append("closed")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        line().fit(*DATA, 4, 1, 0, callbacks=[Open(), Open()])
    assert closed == ["closed", "closed"]
