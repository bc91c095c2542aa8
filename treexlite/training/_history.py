"""`History`: what every epoch of a training reached, and every step of it when that is recorded."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treexlite._errors import ArgumentError


class History:
    """The logs of each epoch.

    Attributes:
        history: `{name: [value of each epoch]}`; names of validation begin with `val_`.
        epoch: the number of each epoch, from 0.
        steps: `{name: [value of each step]}` of `fit(record_steps=True)`, with the number of each
            step, from 1, as `"step"`. Metrics, which compute over an epoch, are not among them.

    Example:
        >>> import treexlite as tx
        >>> history = tx.History()
        >>> history.append(0, {"loss": 2.0})
        >>> history.append(1, {"loss": 1.0})
        >>> history.history, history.epoch
        ({'loss': [2.0, 1.0]}, [0, 1])
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self.steps: dict[str, list[float]] = {}
        self._epochs_of: dict[str, list[int]] = {}

    def append(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Add the logs of one epoch."""
        self.epoch.append(epoch)
        self.add(epoch, logs)

    def add(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Add more logs of the last epoch; names that are there stay as they are."""
        for name, value in logs.items():
            if self._epochs_of.get(name, [None])[-1] != epoch:
                self.history.setdefault(name, []).append(value)
                self._epochs_of.setdefault(name, []).append(epoch)

    def add_steps(self, last: int, columns: Mapping[str, Sequence[float]]) -> None:
        """Add the logs of single steps, of which the last one has the number `last`."""
        count = max(map(len, columns.values()), default=0)
        numbers = {"step": range(last - count + 1, last + 1), **columns} if count else {}
        for name, values in numbers.items():
            self.steps.setdefault(name, []).extend(values)

    def state_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "history": {name: list(values) for name, values in self.history.items()},
            "epoch": list(self.epoch),
            "steps": {name: list(values) for name, values in self.steps.items()},
            "epochs_of": {name: list(epochs) for name, epochs in self._epochs_of.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.history, self.epoch = dict(state["history"]), list(state["epoch"])
        self.steps, self._epochs_of = dict(state["steps"]), dict(state["epochs_of"])

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict for each epoch: its number, and what was logged."""
        values = {
            (name, epoch): value
            for name, epochs in self._epochs_of.items()
            for epoch, value in zip(epochs, self.history[name], strict=True)
        }
        return [
            {"epoch": epoch}
            | {name: values[name, epoch] for name in self.history if (name, epoch) in values}
            for epoch in self.epoch
        ]

    def to_pandas(self, steps: bool = False) -> Any:
        """Return a `pandas.DataFrame` with a row for each epoch, or for each step.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise ImportError(
                "History.to_pandas: expected pandas to be installed, received"
                f" {type(error).__name__}: {error}. Install it: `pip install pandas`."
            ) from error
        if steps:
            return DataFrame(self.steps).set_index("step") if self.steps else DataFrame()
        return DataFrame(self.rows()).set_index("epoch") if self.epoch else DataFrame()

    def save(self, path: Any) -> None:
        """Write the logs to a file, by its ending: `.csv` has the epochs, `.json` the steps too.

        Raises:
            ArgumentError: the path has another ending.
        """
        path, rows = Path(path), self.rows()
        if path.suffix == ".json":
            path.write_text(json.dumps({"epochs": rows, "steps": self.steps}, default=_as_list))
        elif path.suffix == ".csv":
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, ["epoch", *self.history])
                writer.writeheader()
                writer.writerows(rows)
        else:
            raise ArgumentError(
                "History.save",
                expected="a path that ends in .csv or .json",
                received=f"path={str(path)!r}",
                fix="Choose one of the two; `to_pandas` writes many others.",
            )

    def plot(self, path: Any = None) -> Any:
        """Draw one panel for each name, training and validation in the same one.

        Args:
            path: where to save the picture; its ending decides the format. None saves nothing.

        Returns:
            The matplotlib figure; a notebook shows it.

        Raises:
            ImportError: matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
            from matplotlib.ticker import MaxNLocator
        except ImportError as error:
            raise ImportError(
                "History.plot: expected matplotlib to be installed, received"
                f" {type(error).__name__}: {error}. Install it: `pip install 'treexlite[plot]'`."
            ) from error
        names = list(dict.fromkeys(name.removeprefix("val_") for name in self.history))
        figure = Figure(figsize=(4.5 * max(len(names), 1), 3.2), layout="constrained")
        for position, name in enumerate(names, start=1):
            axes = figure.add_subplot(1, len(names), position, title=name, xlabel="epoch")
            for curve, label in ((name, "training"), (f"val_{name}", "validation")):
                if curve in self.history:
                    epochs = [epoch + 1 for epoch in self._epochs_of[curve]]
                    axes.plot(epochs, self.history[curve], marker=".", label=label)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(alpha=0.3)
            axes.legend()
        if path is not None:
            figure.savefig(path, dpi=150)
        return figure

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={values[-1]:.4g}" for name, values in self.history.items())
        return f"History({len(self.epoch)} epochs{'; last: ' + last if last else ''})"


def _as_list(value: Any) -> Any:
    """Return an array as JSON can hold it: a metric may have several values."""
    return value.tolist()
