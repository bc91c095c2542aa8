"""`CSVLogger`: the logs of each epoch as a row of a table."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treexlite._errors import ArgumentError, describe
from treexlite.callbacks._callback import Callback, Logs
from treexlite.callbacks._plain import as_plain

_MISSING = "NA"


class CSVLogger(Callback):
    """Writes the logs of each epoch into a CSV file; a row is on the disk when its epoch is over.

    A number that comes later (validation after every second epoch) gets a column then; where a row
    does not have it, it is `NA`, which pandas reads as missing.

    Args:
        filename: the file; its folder is created.
        separator: what stands between values, one character.
        append: go on with a file that exists; otherwise it is overwritten.

    Raises:
        ArgumentError: `separator` is not one character.

    Example:
        >>> import jax.numpy as jnp, pathlib, tempfile, treexlite as tx
        >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> logger = tx.callbacks.CSVLogger(path)
        >>> history = trainer.fit(x, x, epochs=2, verbose=0, callbacks=[logger])
        >>> [line.split(",")[0] for line in path.read_text().splitlines()]
        ['epoch', '0', '1']

    Reference:
        Keras: `epoch` counts from 0 there as well. Columns are in the order of the logs, not
        sorted; Keras leaves out what is not logged in the first epoch.
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        given: Any = separator
        if not isinstance(given, str) or len(given) != 1:
            raise ArgumentError(
                "CSVLogger",
                expected="`separator` to be one character",
                received=f"separator={describe(separator)}",
                fix="Pass for example `separator=';'`.",
            )
        self.filename = Path(filename)
        self.separator = separator
        self.append = append
        self._columns: list[str] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin the file, or read the header of the one that is there."""
        self.filename.parent.mkdir(parents=True, exist_ok=True)
        if not self.append or not self.filename.exists():
            self.filename.write_text("", "utf-8")
        rows = self._rows()
        self._columns = rows[0] if rows else []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a row."""
        values = {"epoch": epoch, **(logs or {})}
        new = [name for name in values if name not in self._columns]
        if new:
            self._widen(new)
        with self.filename.open("a", encoding="utf-8", newline="") as file:
            self._writer(file).writerow(self._row(values))

    def _row(self, values: Mapping[str, Any]) -> list[Any]:
        plain = {name: as_plain(value) for name, value in values.items()}
        cells = [plain.get(name, _MISSING) for name in self._columns]
        return [json.dumps(cell) if isinstance(cell, (list, dict)) else cell for cell in cells]

    def _widen(self, names: list[str]) -> None:
        """Write the file again with further columns."""
        rows = self._rows()[1:]
        self._columns = [*self._columns, *names]
        temporary = self.filename.with_name(f"{self.filename.name}.tmp")
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = self._writer(file)
            writer.writerow(self._columns)
            writer.writerows([*row, *[_MISSING] * len(names)] for row in rows)
        temporary.replace(self.filename)

    def _rows(self) -> list[list[str]]:
        with self.filename.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file, delimiter=self.separator))

    def _writer(self, file: Any) -> Any:
        return csv.writer(file, delimiter=self.separator, lineterminator="\n")
