"""What a user may write: names, objects and functions, turned into what the steps work with.

In: the arguments of `Trainer` and its methods. Out: `Loss` and `Metric` objects and plain numbers,
or an error that says what would be accepted.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from treexlite import losses, metrics
from treexlite._errors import ArgumentError, describe


class FunctionLoss(losses.Loss):
    """A loss made of a function from target and preds to one value per example, or to their mean.

    Args:
        function: what computes the values.
    """

    function: Callable[[Any, Any], jax.Array]

    def __init__(self, function: Callable[[Any, Any], jax.Array]) -> None:
        super().__init__(name=getattr(function, "__name__", "loss"))
        self.function = function

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return what the function returns."""
        return self.function(target, preds)


def as_loss(where: str, value: Any) -> losses.Loss | None:
    """Return a loss for a loss, a function, a name, or None.

    Raises:
        UnknownNameError: no loss has that name.
        ArgumentError: it is none of these, or a loss that is not reduced to a number.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return losses.get(value)
    if isinstance(value, losses.Loss):
        if value.reduction == "none":
            raise ArgumentError(
                where,
                expected="a loss that is one number for each batch",
                received=f"loss={type(value).__name__}(reduction='none')",
                fix="Leave `reduction` out, or override `loss_fn`.",
            )
        return value
    if callable(value) and not isinstance(value, type):
        return FunctionLoss(value)
    raise ArgumentError(
        where,
        expected="`loss` to be a name, a `tx.losses.Loss`, or a function of target and preds",
        received=f"loss={describe(value)}",
        fix="Pass for example `loss='crossentropy'`; override `loss_fn` for anything else.",
    )


def as_metrics(where: str, value: Any) -> dict[str, metrics.Metric]:
    """Return `{name: Metric}` for one or several metrics, or names of metrics.

    Raises:
        UnknownNameError: no metric has that name.
        ArgumentError: something is no metric, or two have the same name.
    """
    if value is None:
        return {}
    if isinstance(value, Mapping):
        named = [(str(name), _as_metric(where, metric)) for name, metric in value.items()]
    else:
        is_several = isinstance(value, Sequence) and not isinstance(value, str)
        found = [_as_metric(where, metric) for metric in (value if is_several else [value])]
        named = [(metric.name, metric) for metric in found]
    names = [name for name, _ in named]
    if len(set(names)) < len(names) or "loss" in names:
        raise ArgumentError(
            where,
            expected="metrics with different names, none of them 'loss'",
            received=f"metrics named {', '.join(map(repr, names))}",
            fix="Name them in a dict: `metrics={'first': ..., 'second': ...}`.",
        )
    return dict(named)


def _as_metric(where: str, value: Any) -> metrics.Metric:
    if isinstance(value, str):
        return metrics.get(value)
    if isinstance(value, metrics.Metric):
        return value
    raise ArgumentError(
        where,
        expected="`metrics` to be names or `tx.metrics.Metric` objects",
        received=f"the metric {describe(value)}",
        fix="Pass for example `metrics=['accuracy']` or `metrics={'acc': tx.metrics.Accuracy()}`.",
    )


def integer(where: str, name: str, value: Any, at_least: int) -> int:
    """Return `value` as an integer that is not below `at_least`.

    Raises:
        ArgumentError: it is not one.
    """
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_int or value < at_least:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be an integer of at least {at_least}",
            received=f"{name}={describe(value)}",
            fix=f"Pass for example `{name}={max(at_least, 1)}`.",
        )
    return operator.index(value)
