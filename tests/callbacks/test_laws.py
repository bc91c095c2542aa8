"""Laws for every callback: with settings that do nothing, training has the same bits as without.

A new callback needs a row in `ROWS`.
"""

import copy
from collections.abc import Callable as Make
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from tests.callbacks.fits import DATA, new_line
from tests.training.models import arrays, assert_same
from treexlite import callbacks
from treexlite.callbacks import Callback, CallbackList
from treexlite.training._pace import Pace

ROWS: dict[str, Make[[Path], Callback]] = {
    "BackupAndRestore": lambda folder: callbacks.BackupAndRestore(folder / "backup", 4),
    "BatchSizeFinder": lambda folder: callbacks.BatchSizeFinder(2, 2, 1, stop_training=False),
    "CSVLogger": lambda folder: callbacks.CSVLogger(folder / "log.csv"),
    "Callback": lambda folder: Callback(),
    "EMA": lambda folder: callbacks.EMA(0.9, 3),
    "EarlyStopping": lambda folder: callbacks.EarlyStopping(patience=99),
    "GradientMonitor": lambda folder: callbacks.GradientMonitor(4),
    "JSONLogger": lambda folder: callbacks.JSONLogger(folder / "log.jsonl", update_freq=3),
    "LambdaCallback": lambda folder: callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: None, every_n_steps=5
    ),
    "LearningRateFinder": lambda folder: callbacks.LearningRateFinder(
        1e-3, 1, 5, stop_training=False
    ),
    "LearningRateScheduler": lambda folder: callbacks.LearningRateScheduler(
        lambda epoch, rate: rate
    ),
    "ModelCheckpoint": lambda folder: callbacks.ModelCheckpoint(folder / "{step}", save_freq=6),
    "MonitorCallback": lambda folder: callbacks.MonitorCallback("val_loss"),
    "ProgressBar": lambda folder: callbacks.ProgressBar(0),
    "ReduceLROnPlateau": lambda folder: callbacks.ReduceLROnPlateau(patience=99),
    "TerminateOnNaN": lambda folder: callbacks.TerminateOnNaN(2),
    "Timer": lambda folder: callbacks.Timer(),
}
# They talk to the outside; their own tests have a server and a writer.
OUTSIDE = {"RemoteMonitor", "TensorBoard"}

TRAINER = new_line()
TRAINER.train_on_batch(*DATA)
BEGINNING = {name: np.array(array) for name, array in TRAINER.state.state_dict().items()}


def trained(*added: Callback, steps_per_execution: int | None = None) -> dict[str, np.ndarray]:
    """Train the one trainer from its beginning; return all that there is then."""
    TRAINER.paces = {mode: Pace(steps_per_execution) for mode in ("train", "test")}
    TRAINER.state.load_state_dict(BEGINNING)
    TRAINER.fit(*DATA, 4, 2, 0, callbacks=list(added), validation_data=DATA)
    return arrays(TRAINER.state)


@pytest.fixture(params=sorted(ROWS))
def callback(request: pytest.FixtureRequest, tmp_path: Path) -> Callback:
    return ROWS[request.param](tmp_path)


def test_every_callback_has_a_row() -> None:
    public = {name: getattr(callbacks, name) for name in callbacks.__all__}
    classes = {name for name, cls in public.items() if issubclass(cls, Callback)}
    assert classes == {*ROWS, *OUTSIDE}


@pytest.mark.parametrize("name", sorted({*ROWS, *OUTSIDE}))
def test_every_callback_is_documented_with_an_example(name: str) -> None:
    doc = getattr(callbacks, name).__doc__ or ""
    assert ">>>" in doc
    assert "Args:" in doc or name == "Callback"


def test_training_has_the_same_bits_as_without(callback: Callback) -> None:
    assert_same(trained(callback), trained())


@pytest.mark.parametrize("steps", [1, 7])
def test_the_size_of_dispatches_does_not_matter(callback: Callback, steps: int) -> None:
    assert_same(trained(callback, steps_per_execution=steps), trained(callback))


def test_it_may_be_used_again_and_be_closed_twice(callback: Callback) -> None:
    first = trained(callback)
    callback.close()
    assert_same(trained(callback), first)


def test_its_state_is_plain_data_and_arrays_and_continues(callback: Callback) -> None:
    trained(callback)
    state = callback.state_dict()
    plain = (int, float, str, bool, type(None), jax.Array, np.ndarray)
    assert all(isinstance(leaf, plain) for leaf in jax.tree.leaves(state))
    fresh = copy.copy(callback)
    fresh.load_state_dict(state)
    again = fresh.state_dict()
    assert jax.tree.structure(again) == jax.tree.structure(state)
    for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(one, other)


QUIET = sorted(name for name in ROWS if not getattr(callbacks, name).needs_logs)


@pytest.mark.parametrize("name", QUIET)
def test_who_needs_no_logs_never_reads_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Any] = []
    events: list[str] = []

    def counted(event: Any) -> Any:
        def call(hooks: Any, *args: Any) -> None:
            events.append(event.__name__)
            event(hooks, *args[:-1], lambda: reads.append(1) or args[-1]())

        return call

    for event in ("batch_end", "progress"):
        monkeypatch.setattr(CallbackList, event, counted(getattr(CallbackList, event)))
    trained(ROWS[name](tmp_path))
    assert {"batch_end", "progress"} == set(events)
    assert not reads


def test_every_callback_stands_in_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "callbacks.md").read_text("utf-8")
    bases = {"Callback", "MonitorCallback"}
    assert [
        name
        for name in sorted({*ROWS, *OUTSIDE} - bases)
        if f"| `{name}`" not in page and f", `{name}`" not in page
    ] == []
