"""`CallbackList`: the callbacks of one call of a trainer, called in order, those that save last.

What flows in: the user's callbacks, and the events of the loop. What flows out: calls of hooks, and
how many steps the loop may make until the next one. What may mutate: what the callbacks change; the
user's list never. The device is waited for only where a callback that is due needs logs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from treexlite._errors import ArgumentError, TreexliteWarning
from treexlite.callbacks._callback import MODES, Callback, Logs, Read, overrides
from treexlite.callbacks._given import checked, unknown_log
from treexlite.callbacks._progress_bar import ProgressBar, check_verbose

_DURING_EPOCHS = (
    *("on_epoch_begin", "on_epoch_end", "on_progress", "on_test_begin", "on_test_end"),
    *(f"on_{mode}_batch_{place}" for mode in ("train", "test") for place in ("begin", "end")),
)


class CallbackList:
    """Calls the hooks of callbacks, in the order of their list.

    Those with a larger `order` come later: those that save are the last, so that what they save is
    complete.

    Args:
        where: the method that names itself in errors.
        callbacks: None, a callback, or a list of them, which is copied.
        trainer: what the callbacks get as `trainer`.
        verbose: above 0, a `ProgressBar` joins at the end unless there is one already.
        params: what the callbacks get as `params`.

    Attributes:
        watches_epochs: whether some callback does something between the begin of the training and
            its end. If none does, the loop need not wait for the logs of an epoch.

    Raises:
        ArgumentError: something is no callback, or is there twice, or `verbose` is out of range.
        UnknownNameError: a method looks like a hook with its name misspelt.

    Example:
        >>> import treexlite as tx
        >>> hooks = tx.callbacks.CallbackList("fit", [tx.callbacks.Timer()], None, verbose=1)
        >>> [type(callback).__name__ for callback in hooks]
        ['Timer', 'ProgressBar']
        >>> hooks.steps_until_due("train", seen=0) is None
        True
    """

    def __init__(
        self,
        where: str,
        callbacks: Any = None,
        trainer: Any = None,
        verbose: int = 0,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        check_verbose(where, verbose)
        self._where = where
        given = checked(where, callbacks)
        if verbose and not any(isinstance(callback, ProgressBar) for callback in given):
            given.append(ProgressBar(verbose))
        order = sorted(range(len(given)), key=lambda number: given[number].order)
        self._callbacks = [given[number] for number in order]
        self._names = [f"callbacks[{n}], {type(given[n]).__name__}" for n in order]
        self._trainer = trainer
        self._begins = {mode: self._with(f"on_{mode}_batch_begin") for mode in MODES}
        self._ends = {mode: self._with(f"on_{mode}_batch_end") for mode in MODES}
        self._per_batch = {
            mode: list(dict.fromkeys([*self._begins[mode], *self._ends[mode]])) for mode in MODES
        }
        self._watching = self._with("on_progress")
        self.watches_epochs = any(self._with(hook) for hook in _DURING_EPOCHS)
        self._pending: Mapping[str, Any] | None = None
        self._is_beginning = False
        for place in range(len(self._callbacks)):
            self._call(place, "set_trainer", trainer)
            self._call(place, "set_params", dict(params or {}))

    def __iter__(self) -> Iterator[Callback]:
        return iter(self._callbacks)

    def __len__(self) -> int:
        return len(self._callbacks)

    def check_names(self, names: Sequence[str] | None) -> None:
        """Refuse callbacks that wait for a number which will not be logged.

        Args:
            names: what the logs of an epoch will have; None while nobody knows.

        Raises:
            UnknownNameError: listing what there is.
        """
        if names is None:
            return
        known = [*names, *(name for callback in self for name in callback.adds)]
        for place, callback in enumerate(self):
            for name in callback.required_names():
                if name not in known:
                    raise unknown_log(f"{self._where}: {self._names[place]}", name, known)

    # events

    def begin(self, mode: str) -> None:
        """Call `on_train_begin` (or `test`, `predict`)."""
        self._is_beginning = mode == "train"
        try:
            self._all(f"on_{mode}_begin", {})
        finally:
            self._is_beginning = False
        if self._pending is not None:
            states, self._pending = self._pending, None
            self.load_state_dict(states)

    def end(self, mode: str, logs: Logs | None = None) -> None:
        """Call `on_train_end` (or `test`, `predict`) with the logs of the last epoch."""
        self._all(f"on_{mode}_end", {} if logs is None else logs)

    def epoch_begin(self, epoch: int) -> None:
        """Call `on_epoch_begin`."""
        self._all("on_epoch_begin", epoch, {})

    def epoch_end(self, epoch: int, logs: Logs) -> None:
        """Call `on_epoch_end`; callbacks may add to the logs."""
        self._all("on_epoch_end", epoch, logs)
        self._check_flag()

    def steps_until_due(self, mode: str, seen: int) -> int | None:
        """Return how many steps there are until a batch hook is due; None if there is none.

        Args:
            mode: what runs.
            seen: how many steps were made in all.
        """
        periods = [self._callbacks[place].every_n_steps for place in self._per_batch[mode]]
        return min((period - seen % period for period in periods if period), default=None)

    def batch_begin(self, mode: str, batch: int, seen: int) -> None:
        """Call `on_train_batch_begin` of those for whom so many steps begin.

        Args:
            mode: what runs.
            batch: the number of the first coming batch in the epoch.
            seen: how many steps were made in all.
        """
        for place in self._due(self._begins[mode], seen):
            self._call(place, f"on_{mode}_batch_begin", batch, {})

    def batch_end(self, mode: str, batch: int, seen: int, read: Read) -> None:
        """Call `on_train_batch_end` of those whose hook is due.

        Args:
            mode: what runs.
            batch: the number of the last batch in the epoch.
            seen: how many steps were made in all, this one included.
            read: returns the logs so far; called once, if somebody needs them.
        """
        due = self._due(self._ends[mode], seen)
        if not due:
            return
        is_read = any(self._callbacks[place].needs_logs for place in due)
        logs = dict(read()) if is_read else {}
        for place in due:
            shown = dict(logs) if self._callbacks[place].needs_logs else {}
            self._call(place, f"on_{mode}_batch_end", batch, shown)
        self._check_flag()

    def progress(self, mode: str, done: int, read: Read) -> None:
        """Call `on_progress`: some batches were sent to the device."""
        for place in self._watching:
            self._call(place, "on_progress", mode, done, read)

    def close(self) -> None:
        """Close every callback, whatever happened; call it when the loop is left."""
        for place in range(len(self._callbacks)):
            self._call(place, "close")

    # resuming

    def state_dict(self) -> dict[str, dict[str, Any]]:
        """Return `{name: state}` of the callbacks that have one."""
        states = {name: self._callbacks[place].state_dict() for name, place in self._named()}
        return {name: state for name, state in states.items() if state}

    def load_state_dict(self, states: Mapping[str, Any]) -> None:
        """Give callbacks the states that `state_dict` returned.

        Inside of `on_train_begin`, where callbacks forget an earlier training, it is done when all
        of them have. States without a callback are left out with a warning.
        """
        if self._is_beginning:
            self._pending = states
            return
        places = dict(self._named())
        left = [name for name in states if name not in places]
        if left:
            warnings.warn(
                f"{self._where}: there is a saved state for {', '.join(left)}, and no such "
                f"callback among {', '.join(places) or 'none'}; it is left out",
                TreexliteWarning,
                stacklevel=2,
            )
        for name, place in places.items():
            if name in states:
                self._call(place, "load_state_dict", states[name])

    # parts

    def _with(self, hook: str) -> list[int]:
        return [place for place, callback in enumerate(self) if overrides(callback, hook)]

    def _due(self, places: list[int], seen: int) -> list[int]:
        periods = [(place, self._callbacks[place].every_n_steps) for place in places]
        return [place for place, period in periods if period and seen % period == 0]

    def _all(self, hook: str, *args: Any) -> None:
        for place in range(len(self._callbacks)):
            self._call(place, hook, *args)

    def _call(self, place: int, hook: str, *args: Any) -> None:
        """Call one method of one callback; an exception is told where it comes from."""
        try:
            getattr(self._callbacks[place], hook)(*args)
        except Exception as error:
            error.add_note(f"raised in {self._names[place]}, by its `{hook}`")
            raise

    def _named(self) -> Iterator[tuple[str, int]]:
        """Iterate over names that stay when callbacks of other classes come or go."""
        count: dict[str, int] = {}
        for place, callback in enumerate(self):
            name = type(callback).__name__
            number = count[name] = count.get(name, -1) + 1
            yield (f"{name}_{number}" if number else name), place

    def _check_flag(self) -> None:
        """Refuse Keras's `self.model.stop_training = True`, which would stop nothing here."""
        model: Any = getattr(self._trainer, "model", None)
        if "stop_training" in getattr(model, "__dict__", {}):
            del model.stop_training
            raise ArgumentError(
                self._where,
                expected="callbacks to set `self.trainer.stop_training`",
                received="`self.model.stop_training`, as in Keras",
                fix="Write `self.trainer.stop_training = True`: a model does not train by itself.",
            )
