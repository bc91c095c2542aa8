"""The objective: what training makes small, and what is logged beside it.

What flows in: a function from model and batch to a loss, one batch, and what gives the penalties on
parameters. What flows out: the loss plus what the model and the penalties add to it, the
predictions, and what the model logs. Inside, the model may mutate itself; nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite._core import Log, LossLog, MetricLog, Module
from treexlite._core._registry import is_array
from treexlite._errors import ShapeError, describe


class Outcome(NamedTuple):
    """What comes beside the objective.

    Attributes:
        preds: the predictions, or None when `loss_fn` returns none.
        logs: `{path: value}` of the `MetricLog`s that the model wrote.
    """

    preds: Any
    logs: dict[str, jax.Array]


def call(model: Any, x: Any) -> Any:
    """Call the model: a tuple holds positional arguments, a dict holds keywords."""
    if isinstance(x, dict):
        return model(**x)
    return model(*x) if type(x) is tuple else model(x)


def objective(
    loss_fn: Callable[[Any, Any], Any],
    model: Module,
    batch: Any,
    penalties: Callable[[Any], Iterable[jax.Array]] = lambda model: (),
    share: float = 1.0,
) -> tuple[jax.Array | None, Outcome]:
    """Compute the objective of one batch: the loss, the written `LossLog`s, and penalties.

    What an earlier batch left in a log, and this one did not write, does not count. Penalties join
    a loss, and are none by themselves.

    Args:
        loss_fn: called as `loss_fn(model, batch)`; returns a loss, or a loss and predictions. The
            loss may be None: then the model's own losses are all there is.
        model: the model.
        batch: the batch.
        penalties: called as `penalties(model)`; returns numbers to add.
        share: how much of a whole batch this one is: what `LossLog`s and penalties are multiplied
            by. `loss_fn` returns its share by itself.

    Returns:
        The objective, None when there is none; and what comes beside it.

    Raises:
        ShapeError: the loss is no single number.
    """
    before = _logs(model)
    result = loss_fn(model, batch)
    loss, preds = result if isinstance(result, tuple) else (result, None)
    if loss is not None and jnp.ndim(loss) != 0:
        raise ShapeError(
            "loss_fn",
            expected="the loss of a batch to be one number",
            received=f"loss={describe(loss)}",
            fix="Reduce it, for example with `.mean()`.",
        )
    logs = {}
    for path, (kind, value) in _logs(model).items():
        if path in before and before[path][1] is value:
            continue
        if issubclass(kind, LossLog):
            added = jnp.sum(value) if share == 1 else share * jnp.sum(value)
            loss = added if loss is None else loss + added
        elif issubclass(kind, MetricLog):
            logs[path] = value
    if loss is not None:
        for penalty in penalties(model):
            loss = loss + (penalty if share == 1 else share * penalty)
    return loss, Outcome(preds, logs)


def _logs(model: Module) -> dict[str, tuple[type, Any]]:
    infos = model.fields(Log)
    return {info.path: (info.kind, info.value) for info in infos if is_array(info.value)}


def short_names(logs: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    """Name each log by its field alone; by its whole path where that name is not unique."""
    fields = [path.rpartition("/")[2] for path in logs]
    short = {}
    for (path, value), field in zip(logs.items(), fields, strict=True):
        is_unique = fields.count(field) == 1 and field not in taken
        short[field if is_unique else f"model/{path}"] = value
    return short
