"""One batch at a time, for loops of one's own, and the table of the model.

What flows in: one batch. What flows out: its logs or its predictions. What may mutate: the state,
as `train_step` does.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from treexlite._core._init import NO_INPUTS
from treexlite.training._data import Arrays, Batch, shapes
from treexlite.training._numbers import as_numbers
from treexlite.training._ready import Readiness
from treexlite.training._step import fetch


class OnBatch(Readiness):
    """The methods of `Trainer` that take one batch."""

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> dict[str, Any]:
        """Make one training step on one batch, and return its logs."""
        batch = self._single("Trainer.train_on_batch", x, y, sample_weight)
        logs = self._programs.train_batch(self.state, self.held(), batch)
        return self._numbers(logs)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> dict[str, Any]:
        """Evaluate one batch, and return its logs."""
        batch = self._single("Trainer.test_on_batch", x, y, sample_weight)
        aside = self._programs.aside(self.state) if self.is_within_epoch else nullcontext()
        with aside:
            logs = self._programs.evaluate_batch(self.state, self.held(), batch)
        return self._numbers(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch, as NumPy arrays."""
        batch = self._single("Trainer.predict_on_batch", x)
        return fetch(self._programs.predict_batch(self.state, self.held(), batch))

    def summary(self, x: Any = None) -> None:
        """Print a table of the model.

        Args:
            x: example inputs; when given, the table has the shapes of the outputs.
        """
        print(self.state.model.tabulate(NO_INPUTS if x is None else x))

    def _single(self, where: str, x: Any, y: Any = None, sample_weight: Any = None) -> Batch:
        batch = self.placement.batch(Arrays(where, Batch(x, y, sample_weight)).batch)
        self._initialise(shapes(batch.x))
        return batch

    def _numbers(self, logs: dict[str, Any]) -> dict[str, Any]:
        return as_numbers(fetch(logs))
