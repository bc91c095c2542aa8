"""Saving a training, and going on with it: all that its future depends on.

What flows in: a path. What flows out: a checkpoint, see `tx.save`. What may mutate: `restore` puts
the state, the position and the history of the trainer where they were, or nothing at all.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module
from treexlite._errors import ArgumentError, CheckpointError
from treexlite.callbacks import CallbackList
from treexlite.checkpoints import Checkpoint, load, save
from treexlite.training._held import Held
from treexlite.training._history import History
from treexlite.training._position import Position
from treexlite.training._reading import Reading
from treexlite.training._step import Programs
from treexlite.training._stream_state import check_savable

KIND = "treexlite training"


class Resumption(Held):
    """The methods of `Trainer` that save and restore.

    Attributes:
        position: how far the training is.
        history: the logs of its epochs.
        is_restored: whether the next `fit` goes on where the restored training was.
    """

    # Where the streams of the last `fit`, or of the restored one, were; and how far those of the
    # running one are read.
    _streams: Mapping[str, Any] = MappingProxyType({})
    _readings: Mapping[str, Reading] = MappingProxyType({})

    position: Position
    history: History
    seed: int
    is_restored: bool
    _programs: Programs
    _watching: CallbackList | None = None
    _running: Any = None
    _waiting: str | None = None  # a checkpoint that needs the shapes of the model
    _rates_before: Any = None  # the learning rates when it began to wait
    _callback_states: dict[str, Any] | None = None

    @property
    def is_within_epoch(self) -> bool:
        """Whether an epoch has begun that goes on: in `fit`, or in the next one after `restore`."""
        return self._running is not None or self.position.batch > 0

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save everything that the future of the training depends on; see `tx.save`.

        That is the state (model, optimizer, metrics in progress, keys, step), the averages of the
        epoch, the position in the data, the history, and the states of callbacks. It may be called
        at any time: in a callback in the middle of an epoch too.

        Raises:
            NotInitializedError: nothing was fitted yet, and the model is not initialised.
            CheckpointError: the operating system refuses, or a stream says where it is in another
                way than with plain data and arrays; what was at `path` is as it was.
        """
        if self._running is not None:
            self._running.settle()
        callbacks = self._callback_states
        if self._watching is not None:
            callbacks = self._watching.state_dict()
        extra = {
            "kind": KIND,
            "seed": self.seed,
            "position": dataclasses.asdict(self.position),
            "history": self.history.state_dict(),
            "callbacks": callbacks or {},
            "streams": self._stream_places(check=True),
        }
        with self._programs.with_means_of_epoch():
            save(path, self._saved(), extra=extra)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go back to a saved training; the next `fit` goes on where that was.

        With the same data and arguments it ends with the same bits as a training that was never
        interrupted, also from the middle of an epoch: the order of the data follows from the seed,
        and batches that were done are left out. A stream that has `state_dict` and
        `load_state_dict` (torchdata's `StatefulDataLoader`), or `get_state` and `set_state`
        (grain), itself or in its iterators, goes on behind the last batch that was trained on.
        Another one is read again, and those batches dropped: of the present epoch, when each epoch
        is one iteration and they all began alike; else all since the first one. When it gives
        other batches than before, that is a `CheckpointWarning`.

        A model that is not initialised is checked and filled when the first data comes; a learning
        rate that is set until then stays. A callback may restore in `on_train_begin` only.

        Raises:
            ArgumentError: `fit` is in the middle of its epochs.
            CheckpointError: the file is damaged, or holds no training.
            StateDictError: it holds that of another model, optimizer or set of metrics. Nothing has
                changed then.
        """
        if self._running is not None and self._running.is_under_way:
            raise ArgumentError(
                "Trainer.restore",
                expected="`fit` not to be in the middle of its epochs, which it counts",
                received=f"a call in epoch {self.position.epoch + 1}",
                fix="Set `stop_training`, and restore after `fit`; or restore in `on_train_begin`; "
                "`tx.load(path, into=...)` loads the weights of a model alone.",
            )
        with Checkpoint(path) as checkpoint:
            extra = checkpoint.extra
            if not self._is_ready():
                checkpoint.verify()
        if not isinstance(extra, dict) or extra.get("kind") != KIND:
            raise CheckpointError(
                "Trainer.restore",
                expected="a training that `Trainer.save` wrote",
                received=f"another checkpoint, {os.fspath(path)!r}",
                fix="`tx.load(path, into=trainer.model)` loads a model alone.",
            )
        if self._is_ready():
            load(path, into=self._saved())
            self._waiting = None
        else:
            self._waiting, self._rates_before = os.fspath(path), self._rates()
        self.seed = extra["seed"]
        self.position = Position(**extra["position"])
        self.history.load_state_dict(extra["history"])
        self._streams = extra["streams"]
        self.is_restored = True
        self._callback_states = extra["callbacks"]
        if self._watching is not None:
            self._watching.load_state_dict(self._callback_states)
            self._callback_states = None

    def _check_idle(self, where: str) -> None:
        """Refuse to train while `fit` trains already.

        Raises:
            ArgumentError: it does.
        """
        if self._watching is not None:
            raise ArgumentError(
                where,
                expected="one call of `fit` at a time",
                received="a call while another one is running, in a callback or a thread",
                fix="Call it when the other one has returned, or build a second trainer.",
            )

    def _resume_streams(self, readings: dict[str, Reading], epoch: int) -> None:
        """Let streams go on where they were, for an epoch to begin with."""
        done = self.position.batch
        for name, reading in readings.items():
            batches = (done, done if epoch == self.position.epoch else 0)
            is_trained_on = name == "training"
            reading.resume(self._streams.get(name), *(batches if is_trained_on else (0, 0)))
        self._readings = readings

    def _stream_places(self, check: bool = False) -> dict[str, Any]:
        """Return where all streams are.

        Raises:
            CheckpointError: `check` is set, and a checkpoint cannot hold that.
        """
        places = {name: reading.state_dict() for name, reading in self._readings.items()}
        places = {**self._streams, **places}
        for name, place in places.items():
            if check and place is not None and place["mark"] is not None:
                check_savable("Trainer.save", name, place["mark"]["state"])
        return places

    def _saved(self) -> dict[str, Module]:
        return {"state": self.state, "averages": self._programs.averages, **self.held()}

    def _is_ready(self) -> bool:
        model, optimizer = self.state.model, self.state.optimizer
        return model.initialized and (optimizer is None or optimizer.initialized)

    def _rates(self) -> Any:
        """Return the learning rates that can be set before the optimizer is initialised."""
        optimizer = self.state.optimizer
        return None if optimizer is None else jax.tree.map(float, optimizer.rate)

    def _fill(self) -> None:
        """Load what waited for the shapes of the model, but for rates that were set since."""
        if self._waiting is None:
            return
        optimizer, rates = self.state.optimizer, self._rates()
        load(self._waiting, into=self._saved())
        self._waiting = None
        if rates != self._rates_before:
            optimizer.rate = jax.tree.map(_newest, self._rates_before, rates, optimizer.rate)


def _newest(before: float, now: float, loaded: Any) -> Any:
    return loaded if now == before else jnp.full_like(loaded, now)
