"""`History`: what every epoch of a training reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class History:
    """The logs of each epoch.

    Attributes:
        history: `{name: [value of each epoch]}`; names of validation begin with `val_`.
        epoch: the number of each epoch, from 0.

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
        self._epochs_of: dict[str, list[int]] = {}

    def append(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Add the logs of one epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
            self._epochs_of.setdefault(name, []).append(epoch)

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
