"""What a step sees of its trainer: the state, and modules in the trainer's attributes, traced.

What flows in: the state and the modules as a compiled program has them. What flows out: a block in
which `self.state`, `self.model` and `self.teacher` are those. What may mutate: these modules, which
the program carries out; an attribute that a compiled step assigns is refused, because Python runs
once for each shape, not once for each step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from treexlite._core import Module
from treexlite._core._record import change_modes
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError
from treexlite.optimizers._optimizer import Optimizer
from treexlite.training._state import TrainState

OWN = {"_state", "_loss"}  # modules that the trainer has itself


class Held:
    """The attributes of a `Trainer` that are modules."""

    _state: TrainState

    @property
    def state(self) -> TrainState:
        """All that training changes; inside of a step, the state of that step."""
        return self._state

    @property
    def model(self) -> Any:
        """The model, the same object that was given."""
        return self._state.model

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer, the same object when an `Optimizer` was given."""
        optimizer: Optimizer | None = self._state.optimizer
        return optimizer

    def held(self) -> dict[str, Module]:
        """Return the modules that the user put into attributes: a teacher, a second optimizer."""
        return {n: value for n, value in vars(self).items() if is_module(value) and n not in OWN}

    @contextlib.contextmanager
    def inside(self, state: TrainState, held: dict[str, Module], compiled: bool) -> Iterator[None]:
        """Let the attributes be the given modules while the block runs.

        Raises:
            ArgumentError: the block assigned to an attribute of the trainer.
        """
        before = dict(vars(self))
        vars(self).update(held, _state=state)
        during = dict(vars(self))
        try:
            yield
            changed = [n for n, value in vars(self).items() if during.get(n, self) is not value]
            if changed and compiled:
                raise ArgumentError(
                    "Trainer.train_step",
                    expected="a compiled step to change the state, and modules in attributes",
                    received=f"an assignment to self.{changed[0]}",
                    fix=f"Keep it in the state, `state.{changed[0]} = ...`, or return it as a log; "
                    "Python runs once for each shape of a batch. See also `run_eagerly=True`.",
                )
        finally:
            for name in [*held, "_state", *(vars(self).keys() - before.keys() if compiled else ())]:
                vars(self).pop(name, None)
                if name in before:
                    vars(self)[name] = before[name]
            if compiled:
                vars(self).update(before)


@contextlib.contextmanager
def in_mode(model: Module, training: bool) -> Iterator[None]:
    """Run the block with `model` in training or evaluation mode, and restore every mode after it.

    A model in training mode may have parts in evaluation mode; they stay there.
    """
    members = [member for _, member in model.modules()] if model.training != training else []
    changed = [member for member in members if member.training != training]
    for member in changed:
        change_modes(member, training=training)
    try:
        yield
    finally:
        for member in changed:
            change_modes(member, training=not training)
