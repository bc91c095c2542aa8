"""`ModelCheckpoint`: save the training, or the weights, again and again."""

from __future__ import annotations

import math
import os
import shutil
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treexlite._arguments import integer
from treexlite._errors import ArgumentError, describe
from treexlite.callbacks._arguments import frequency, number
from treexlite.callbacks._callback import Logs
from treexlite.callbacks._monitor import MonitorCallback
from treexlite.checkpoints import save

_WHERE = "ModelCheckpoint"
_OWN_FIELDS = ("epoch", "step", "batch")


class ModelCheckpoint(MonitorCallback):
    """Saves the whole training, or the weights alone, after epochs or steps.

    Args:
        filepath: where to. It may have fields: `{epoch:02d}` (from 1), `{step}` (made in all),
            `{batch}` (in the epoch, from 1, when steps are counted), and names of logs, such as
            `{val_loss:.3f}`; what an epoch does not have is `nan`. Folders are created.
        monitor: the number that says what is best.
        verbose: 1 prints what is saved, and why not.
        save_best_only: save only what is better than everything before.
        save_weights_only: save the model alone, for `tx.load(path, into=model)`; otherwise
            everything that is needed to continue, by `trainer.save`.
        mode: `"min"`, `"max"`, or `"auto"`, see `MonitorCallback`.
        save_freq: `"epoch"`, or a number of steps. After steps, the logs are those of the epoch so
            far, without validation.
        initial_value_threshold: with `save_best_only`, what has to be beaten first.
        max_to_keep: how many of the saved files remain; older ones are deleted. None keeps all.

    Attributes:
        best: the best value so far.
        saved: the paths that exist of those that were saved, the newest last.

    Raises:
        ArgumentError: an argument is out of range, or needs what is not logged at that time.

    Example:
        >>> import jax.numpy as jnp, pathlib, tempfile, treexlite as tx
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> checkpoint = tx.callbacks.ModelCheckpoint(
        ...     folder / "{epoch:02d}.safetensors", save_weights_only=True, max_to_keep=2
        ... )
        >>> history = trainer.fit(x, x, epochs=3, verbose=0, callbacks=[checkpoint])
        >>> sorted(path.name for path in folder.iterdir())
        ['02.safetensors', '03.safetensors']

    Reference:
        Keras, without its rule for the ending of `filepath`. `max_to_keep`, `{step}` and the check
        of the fields before the first step are new. Where the number that is watched is missing,
        Keras saves; here nothing is, because it is not known to be best.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = None,
    ) -> None:
        super().__init__(monitor, mode=mode)
        self.order = 2 if save_best_only else 3  # the others save what this one found to be best
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.every_n_steps = frequency(_WHERE, "save_freq", save_freq)
        keep = max_to_keep
        self.max_to_keep = None if keep is None else integer(_WHERE, "max_to_keep", keep, 1)
        first = initial_value_threshold
        self.best = None if first is None else number(_WHERE, "initial_value_threshold", first)
        self.saved: list[str] = []
        self._fields = _fields(self.filepath)
        self._epoch = 0
        self._check_fields()

    def required_names(self) -> tuple[str, ...]:
        """Return the names in `filepath`, and what is watched if it matters."""
        watched = (self.monitor,) if self.save_best_only else ()
        return (*watched, *(name for name in self._fields if name not in _OWN_FIELDS))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take note of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save after so many steps."""
        self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after the epoch."""
        if not self.every_n_steps:
            self._save(epoch, None, logs or {})

    def _check_fields(self) -> None:
        """Refuse names that are not known when files are saved."""
        missing = [name for name in self.required_names() if name.startswith("val_")]
        if self.every_n_steps and missing:
            raise ArgumentError(
                _WHERE,
                expected="numbers of the training alone, with `save_freq` in steps",
                received=f"{missing[0]!r}, which is known after an epoch",
                fix="Pass `save_freq='epoch'`, or `monitor='loss'`.",
            )
        if not self.every_n_steps and "batch" in self._fields:
            raise ArgumentError(
                _WHERE,
                expected="`{batch}` only with `save_freq` in steps",
                received=f"filepath={self.filepath!r} and save_freq='epoch'",
                fix="Write `{epoch}` or `{step}`.",
            )

    def _save(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> None:
        value = self.value_in(logs)
        if self.save_best_only and (value is None or not self.improves(value, self.best)):
            if self.verbose:
                print(f"Epoch {epoch + 1}: {self.monitor} is not better than {_short(self.best)}")
            return
        path, before = self._path(epoch, batch, logs), (self.best, self.saved)
        if self.save_best_only:
            self.best = value
        outdated = self._outdated(str(path))
        try:  # what is saved knows that it is the best
            self._write(path)
        except BaseException:
            self.best, self.saved = before
            raise
        if self.verbose:
            change = f", {self.monitor} {_short(before[0])} -> {_short(value)}"
            print(f"Epoch {epoch + 1}: saved {path}{change if self.save_best_only else ''}")
        for other in outdated:
            _remove(Path(other))

    def _write(self, path: Path) -> None:
        if self.save_weights_only:
            save(path, self.model)
        else:
            self.trainer.save(str(path))

    def _path(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> Path:
        step = int(self.trainer.state.step)
        known = dict.fromkeys(self._fields, math.nan) | dict(logs)
        known |= {"epoch": epoch + 1, "step": step, "batch": 0 if batch is None else batch + 1}
        return Path(self.filepath.format(**known))

    def _outdated(self, path: str) -> list[str]:
        """Take note of what is saved; return what is too much then."""
        saved = [other for other in self.saved if other != path] + [path]
        count = 0 if self.max_to_keep is None else max(len(saved) - self.max_to_keep, 0)
        self.saved = saved[count:]
        return saved[:count]

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, and what was saved."""
        return {"best": self.best, "saved": list(self.saved)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.best, self.saved = state["best"], list(state["saved"])


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _fields(filepath: str) -> tuple[str, ...]:
    """Return the names of the fields in a path."""
    try:
        found = [name for _, name, _, _ in string.Formatter().parse(filepath) if name is not None]
    except ValueError as error:
        raise _bad_path(filepath, str(error)) from None
    if not all(found) or any(name.isdigit() for name in found):
        raise _bad_path(filepath, "a field without a name")
    return tuple(dict.fromkeys(found))


def _bad_path(filepath: str, problem: str) -> ArgumentError:
    return ArgumentError(
        _WHERE,
        expected="`filepath` to be a path, with fields such as `{epoch:02d}`",
        received=f"filepath={describe(filepath)}: {problem}",
        fix="Give each field a name; write `{{` and `}}` for braces.",
    )


def _short(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.5g}"
