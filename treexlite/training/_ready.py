"""What happens before the first step: checks, traces, and only then initialisation.

What flows in: data sets, ready to be gone over. What flows out: errors, or nothing. What may
mutate: model and optimizer are initialised, when everything else is known to work.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax

from treexlite.training._data import Batch
from treexlite.training._default_steps import DefaultSteps, has_default_steps
from treexlite.training._feed import Feed, StreamFeed
from treexlite.training._resume import Resumption
from treexlite.training._state import TrainState
from treexlite.training._stream_targets import TargetCheck
from treexlite.training._targets import check_targets


class Readiness(Resumption, DefaultSteps):
    """The methods of `Trainer` that make it ready for data."""

    def _make_ready(
        self, where: str, train: Feed | None, test: Feed | None, trains: bool = True
    ) -> None:
        """Check what compiled code cannot, trace all steps, then create what is missing."""
        given = [data for data in (train, test) if data is not None]
        self.placement.check(where, {"state": self.state, **self.held()})
        if has_default_steps(self):
            for data in given:
                shapes_of_preds = partial(self._shapes_of_preds, data.example)
                check_targets(where, self.loss, data.checked, shapes_of_preds)
                if isinstance(data, StreamFeed):
                    check = TargetCheck(data.where, self.loss, data.checked, shapes_of_preds)
                    data.look = check.batches
        modules = self._as_initialised(given[0].example.x)
        if train is not None and trains:
            self._programs.prepare("train", modules, train.first_chunk())
        if test is not None:
            self._programs.prepare("test", modules, test.first_chunk())
        self._initialise(given[0].example.x)

    def _shapes_of_preds(self, batch: Batch) -> Any:
        model = self.placement.placed({"state": self.state, **self.held()})["state"].model
        if not model.initialized:
            model = jax.eval_shape(lambda: model.init(self.seed, batch.x))
        return self._programs.shapes_of_preds(model, batch)

    def _as_initialised(self, x: Any) -> dict[str, Any]:
        """Return the modules that steps work with, or copies of what they will be for the steps.

        Nothing is changed: what is not initialised or not in its place is so in a copy.
        """
        modules = self.placement.placed({"state": self.state, **self.held()})
        if self._is_ready():
            return modules
        modules["state"] = modules["state"].copy()
        _initialise(modules["state"], self.seed, x)
        return self.placement.placed(modules)

    def _initialise(self, x: Any) -> None:
        """Create what is missing in model and optimizer; `x` has the shapes of a batch."""
        if not self._is_ready():
            self.placement.place({"state": self.state, **self.held()})
            _initialise(self.state, self.seed, x)
        self._fill()
        self._place()

    def _place(self) -> None:
        """Move what steps work with to where training happens."""
        self.placement.place({"state": self.state, **self.held()})
        self._programs.refresh()


def _initialise(state: TrainState, seed: int, x: Any) -> None:
    model, optimizer = state.model, state.optimizer
    if not model.initialized:
        model.init(seed, x, inplace=True)
    if optimizer is not None and not optimizer.initialized:
        optimizer.init(model, inplace=True)
