"""`BackupAndRestore`: a training that was killed goes on when the same script runs again."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Any

from treexlite._errors import ArgumentError, TreexliteError, TreexliteWarning, describe
from treexlite.callbacks._arguments import frequency
from treexlite.callbacks._callback import Callback, Logs


class BackupAndRestore(Callback):
    """Saves the training while it runs, and continues it when `fit` is called again.

    At the beginning of `fit`, a backup that an earlier run left behind is restored: model,
    optimizer, metrics, random keys, position in the data, callbacks, history. When the training is
    complete, the backup is deleted; after Ctrl-C or an error it stays.

    Args:
        backup_dir: a folder for this training alone.
        save_freq: `"epoch"`, or a number of steps.
        double_checkpoint: keep the backup before the last one too, and restore it when the last one
            cannot be read.
        delete_checkpoint: delete the backup when the training is complete.

    Raises:
        ArgumentError: `backup_dir` is no path, or a file; or `save_freq` is out of range.

    Example:
        >>> import jax.numpy as jnp, tempfile, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> backup = tx.callbacks.BackupAndRestore(tempfile.mkdtemp() + "/run-1")
        >>> history = trainer.fit(x, x, epochs=3, verbose=0, callbacks=[backup])
        >>> backup.backup_dir.exists()  # nothing to continue
        False

    Reference:
        Keras, which saves weights and the number of the epoch, so that a training continued in the
        middle of an epoch sees some data twice; and which deletes the backup after Ctrl-C too.
    """

    needs_logs = False
    order = 4  # after other callbacks that save, whose states are in the backup

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        where = "BackupAndRestore"
        given: Any = backup_dir
        is_path = isinstance(given, (str, os.PathLike)) and os.fspath(given)
        if not is_path or Path(given).is_file():
            raise ArgumentError(
                where,
                expected="`backup_dir` to be a folder for this training alone",
                received=f"backup_dir={describe(backup_dir)}",
                fix="Pass for example `backup_dir='runs/mnist/backup'`.",
            )
        self.backup_dir = Path(backup_dir)
        self.save_freq = save_freq
        self.every_n_steps = frequency(where, "save_freq", save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._latest = self.backup_dir / "latest"
        self._previous = self.backup_dir / "previous"
        self._damaged = self.backup_dir / "damaged"
        self._complete = self.backup_dir / "complete"
        self._is_complete = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Restore what an earlier run left behind."""
        self._is_complete = True
        _remove(self._complete)
        found = [path for path in (self._latest, self._previous) if path.exists()]
        for path in found:
            try:
                self.trainer.restore(str(path))
            except (TreexliteError, OSError) as error:
                if path is found[-1]:
                    raise
                warnings.warn(
                    f"BackupAndRestore: {path} cannot be restored, the backup before it is used"
                    f" instead; it is called {self._damaged.name} now. {error}",
                    TreexliteWarning,
                    stacklevel=2,
                )
                _remove(self._damaged)
                path.rename(self._damaged)  # it must not become the one before
            else:
                return

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take note that something is not complete."""
        self._is_complete = False

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save after so many steps."""
        self._save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after the epoch."""
        is_last = epoch + 1 >= self.params.get("epochs", 0)
        self._is_complete = is_last or bool(self.trainer.stop_training)
        if not self.every_n_steps:
            self._save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Delete the backup of a complete training."""
        if self.delete_checkpoint and self._is_complete:
            for path in (self._latest, self._previous):  # half of one would be a damaged backup
                if path.exists():
                    self._complete.mkdir(exist_ok=True)
                    path.rename(self._complete / path.name)
            shutil.rmtree(self.backup_dir, ignore_errors=True)

    def _save(self) -> None:
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint and self._latest.exists():
            _remove(self._previous)
            self._latest.rename(self._previous)
        self.trainer.save(str(self._latest))


def _remove(path: Path) -> None:
    """Delete a file or directory, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
