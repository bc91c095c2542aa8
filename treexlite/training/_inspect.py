"""What callbacks and people ask a trainer while it trains: batches, gradients, replays, times.

What flows in: the trainer's state and the last dispatch. What flows out: copies and numbers.
Nothing is mutated but the `state` that is given to `replay`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from treexlite._errors import ArgumentError
from treexlite.training._data import Batch
from treexlite.training._default_steps import DefaultSteps
from treexlite.training._feed import Chunk
from treexlite.training._held import in_mode
from treexlite.training._numbers import as_numbers
from treexlite.training._profile import Profile
from treexlite.training._state import TrainState
from treexlite.training._step import Programs, fetch
from treexlite.training._weakly import Weakly
from treexlite.transforms import grad, jit


class Inspection(DefaultSteps):
    """The methods of `Trainer` that look, and change nothing.

    Attributes:
        recent: the chunk of the last dispatch, while the trainer works.
        profile: the times of the last `fit`.
    """

    recent: Chunk | None
    profile: Profile
    _programs: Programs
    _example: Callable[[], Batch] | None = None
    _gradients: Any = None

    def recent_batches(self) -> list[Batch]:
        """Return the batches of the last dispatch, in their order; none outside of `fit`."""
        return [] if self.recent is None else self.recent.batches()

    def example_batch(self) -> Batch:
        """Return the first batch of the data that `fit` was given, on the device.

        Raises:
            ArgumentError: `fit` is not running.
        """
        if self._example is None:
            raise ArgumentError(
                "Trainer.example_batch",
                expected="a call of `fit` that is running",
                received="none",
                fix="Call it in a callback.",
            )
        return self._example()

    def gradients(self, batch: Batch) -> Any:
        """Return the gradient of the objective for one batch, a module like the model.

        The objective is what the default `train_step` minimises: the loss and all penalties, in
        training mode. State that the model would change (statistics, keys) stays as it is.
        """
        if self._gradients is None:
            self._gradients = jit(grad(Weakly(self._minimised)))
        state = self.state.copy()
        return self._gradients(state.model, state, copies(self.held()), batch)

    def _minimised(
        self, model: Any, state: TrainState, held: dict[str, Any], batch: Batch
    ) -> jax.Array:
        with in_mode(model, training=True), self.inside(state, held, compiled=True):
            loss: jax.Array = self._objective(model, batch)[0]
        return loss

    def replay(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        """Make one training step on a copy of the state, and return its logs.

        Args:
            state: a copy of `trainer.state`; it is changed.
            batch: what to train on.
        """
        return as_numbers(fetch(self._programs.train_batch(state, copies(self.held()), batch)))

    def profile_report(self) -> str:
        """Return a table of where the time of the last `fit` went, as Python sees it.

        The device works while Python does other things: "device" is the time that nothing was left
        to do but to wait for it. In a training that is limited by the device it is nearly all; a
        large share of "data" says that the data is the limit.
        """
        form = self._programs.forms.get("train")
        return self.profile.report("nothing trained" if form is None else form.value)


def copies(held: dict[str, Any]) -> dict[str, Any]:
    """Return copies of modules."""
    return {name: module.copy() for name, module in held.items()}
