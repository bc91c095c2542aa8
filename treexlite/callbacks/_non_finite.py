"""Where a training step stopped being finite: the module, and what of it.

What flows in: a trainer, the state before the step, and its batch. What flows out: a `NonFinite`.
Nothing that was given is changed.

The step runs once more, operation by operation and without compilation, with a listener at the
doorway of every module (the one that `tabulate` uses). Inside of transformations, where values are
traced, the listener leaves a callback in the traced program. Modules are numbered in the order in
which they finish, so the first number that is not finite is the innermost culprit.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._context import FRAME, entered
from treexlite._core._calls import path_of
from treexlite._core._registry import is_tracer
from treexlite._core._tree import is_trainable
from treexlite.callbacks._copies import copied, put_back
from treexlite.metrics import Metric


class NonFinite(NamedTuple):
    """What was not finite first.

    Attributes:
        step: the number of the step, from 1.
        what: `"output"`, `"gradient of `kernel`"`, ...
        path: the module's path in the model; `""` is the model itself, None what is not in it.
        module: the name of its class; None when it is no module.
    """

    step: int
    what: str
    path: str | None = None
    module: str | None = None

    def __str__(self) -> str:
        if self.module is None:
            return f"in step {self.step}, {self.what} is the first that is not finite"
        place = f" at `{self.path}`" if self.path else ""
        if self.path is None:
            place = ", which is not in the model,"
        return f"in step {self.step}, the {self.what} of {self.module}{place} is the first " + (
            "that is not finite"
        )


class _Call(NamedTuple):
    """One call of a module while the step ran again."""

    path: str | None
    module: str


class _Listener:
    """Takes note of every call of a module, and of those whose output is not finite.

    Metrics do not count: one without data is NaN.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.calls: list[_Call] = []
        self.bad: set[int] = set()

    def __call__(self, member: Any, output: Any) -> None:
        frame = FRAME.get()
        if frame is None or isinstance(member, Metric):
            return
        path = path_of(member, frame)
        if path == "" and type(member) is not type(self.model):
            path = None  # a loss, for example: the outermost of what runs, and not the model
        mark = functools.partial(self._mark, len(self.calls))
        self.calls.append(_Call(path, type(member).__name__))
        finite = _is_finite(output)
        if is_tracer(finite):
            jax.debug.callback(mark, finite)
        else:
            mark(finite)

    def _mark(self, number: int, finite: Any) -> None:
        if not np.all(finite):
            self.bad.add(number)


def loss_is_finite(logs: Mapping[str, Any]) -> bool:
    """Whether the loss is finite; without a loss, whether every number of the logs is."""
    watched = [logs["loss"]] if "loss" in logs else list(logs.values())
    return all(bool(np.all(np.isfinite(value))) for value in watched)


def parameters_are_finite(model: Any) -> bool:
    """Whether every trained parameter is finite; waits for the device."""
    return bool(_all_finite(model.state_dict(is_trainable)))


def find(trainer: Any, before: Any, batch: Any) -> NonFinite:
    """Return what was not finite first in a step.

    Args:
        trainer: the trainer.
        before: the state before the step.
        batch: the batch of the step.
    """
    step = int(before.step) + 1
    started = _named(before.model.state_dict(is_trainable))
    if started is not None:
        return _of_parameter(before.model, started, step, "parameter")
    again = copied(before)
    listener = _Listener(again.model)
    again.model.train(inplace=True)
    with jax.disable_jit(), entered(again.model, recorder=listener):
        logs = trainer.train_step(again, batch)
        jax.effects_barrier()
    if listener.bad:
        first = min(listener.bad)
        call = listener.calls[first]
        return NonFinite(step, _with_inputs("output", batch), call.path, call.module)
    if logs is not None and not loss_is_finite(logs):
        return NonFinite(step, _with_inputs("the loss, after finite outputs,", batch))
    return _backward(trainer, before, again, batch, listener.calls, step)


def _with_inputs(what: str, batch: Any) -> str:
    """Add which part of the batch is not finite; that is then the reason."""
    parts = {name: getattr(batch, name, None) for name in ("x", "y", "sample_weight")}
    bad = [f"`{name}`" for name, part in parts.items() if not bool(_is_finite(part))]
    return f"{what} (for a batch whose {' and '.join(bad)} is not finite)" if bad else what


def _backward(
    trainer: Any, before: Any, after: Any, batch: Any, calls: list[_Call], step: int
) -> NonFinite:
    """Name the first gradient on the way back, or the update, that is not finite."""
    gradients = _gradients(trainer, before, batch)
    bad = [path for path, value in gradients.items() if not bool(_is_finite(value))]
    if bad:
        order = {call.path: number for number, call in enumerate(calls)}
        last = max(bad, key=lambda path: order.get(_owner(before.model, path)[0], -1))
        return _of_parameter(before.model, last, step, "gradient of")
    updated = _named(after.model.state_dict(is_trainable))
    if updated is not None:
        return _of_parameter(before.model, updated, step, "update of")
    return NonFinite(step, "nothing, when the step is made again: it")


def _gradients(trainer: Any, before: Any, batch: Any) -> dict[str, Any]:
    """Return the gradients at the parameters before the step, by path."""
    model = trainer.model
    now = model.copy()  # the same arrays
    put_back(model, before.model)
    try:
        gradients: dict[str, Any] = trainer.gradients(batch).state_dict(is_trainable)
    finally:
        put_back(model, now)
    return gradients


def _of_parameter(model: Any, path: str, step: int, what: str) -> NonFinite:
    place, module = _owner(model, path)
    return NonFinite(step, f"{what} `{path.removeprefix(place).lstrip('/')}`", place, module)


def _owner(model: Any, path: str) -> tuple[str, str]:
    """Return the path and the class of the module that has a parameter."""
    members = {id(member): place for place, member in model.modules()}
    owner = next(info.module for info in model.fields() if info.path == path)
    return members[id(owner)], type(owner).__name__


def _named(values: Mapping[str, Any]) -> str | None:
    """Return the first path whose value is not finite."""
    return next((path for path, value in values.items() if not bool(_is_finite(value))), None)


def _is_finite(tree: Any) -> Any:
    """Whether every floating number of a tree is finite: a bool of JAX, perhaps traced."""
    finite: Any = jnp.array(True)
    for leaf in jax.tree_util.tree_leaves(tree):
        if hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact):
            finite = finite & jnp.isfinite(leaf).all()
    return finite


_all_finite = jax.jit(_is_finite)
