"""`MonitorCallback`: what callbacks share that watch one number and ask whether it got better.

What flows in: the logs of an epoch. What flows out: the number, and whether it is better than an
earlier one. Nothing is mutated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from treexlite._errors import ArgumentError, describe
from treexlite.callbacks._arguments import choice, number
from treexlite.callbacks._callback import Callback

# Words in names of logs. The last one that is known decides: `accuracy_loss` is a loss. A score is
# good when nothing else is known about it: more of a `brier_score` is worse.
_SMALLER = re.compile(
    "loss(es)?|errors?|mse|mae|mape|msle|rmse|rmsle|perplexity|deviation|divergence|nll|penalty"
    "|crossentropy|entropy|hamming|brier|distance|ece|wer|cer"
)
_LARGER = re.compile(
    "acc|accuracy|auc|precision|recall|specificity|sensitivity|f1|beta|fbeta|fmeasure|iou|io|jaccard|dice"
    "|kappa|bleu|rouge|ndcg|map|mrr|hits?|similarity|correlation|concordance|r2|matthews|mcc"
    "|likelihood|psnr|ssim|reward|return|explained|reciprocal"
)


class MonitorCallback(Callback):
    """Base of callbacks that watch one number among the logs.

    Args:
        monitor: the name of the number: `"loss"`, or `"val_accuracy"` for validation.
        mode: `"min"` when less is better, `"max"` when more is; `"auto"` asks the metric of that
            name (its attribute `higher_is_better`), and then its name.
        min_delta: a change of less than that is no improvement.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import treexlite as tx
        >>> monitor = tx.callbacks.MonitorCallback("val_accuracy", min_delta=0.01)
        >>> monitor.improves(0.95, 0.9), monitor.improves(0.905, 0.9)
        (True, False)

    Reference:
        Keras has the same base. A number that is NaN is never better, not even than nothing: there,
        a first NaN stays the best for ever.
    """

    def __init__(
        self, monitor: str = "val_loss", *, mode: str = "auto", min_delta: float = 0.0
    ) -> None:
        where = type(self).__name__
        if not isinstance(monitor, str):
            raise ArgumentError(
                where,
                expected="`monitor` to be the name of a number among the logs",
                received=f"monitor={describe(monitor)}",
                fix="Pass for example `monitor='val_loss'`.",
            )
        self.monitor = monitor
        self.mode = choice(where, "mode", mode, ("auto", "min", "max"))
        self.min_delta = abs(number(where, "min_delta", min_delta))

    def value_in(self, logs: Mapping[str, Any] | None) -> float | None:
        """Return the number that is watched; None in an epoch that does not have it.

        Raises:
            ArgumentError: it is no single number.
        """
        value = (logs or {}).get(self.monitor)
        if value is not None and jnp.ndim(value) != 0:
            raise ArgumentError(
                type(self).__name__,
                expected=f"{self.monitor!r} to be one number",
                received=describe(value),
                fix="Watch a metric with one value; one with several is logged as `name/part`.",
            )
        return None if value is None else float(value)

    def improves(self, value: float, reference: float | None) -> bool:
        """Whether `value` is better than `reference`, by more than `min_delta`.

        Raises:
            ArgumentError: nothing says whether more or less is better.
        """
        if math.isnan(value):
            return False
        is_larger = self.larger_is_better()
        if reference is None:
            return True
        if is_larger:
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def larger_is_better(self) -> bool:
        """Whether more is better.

        Raises:
            ArgumentError: nothing says so.
        """
        if self.mode != "auto":
            return bool(self.mode == "max")
        name = self.monitor.removeprefix("val_")
        metrics = getattr(getattr(self.trainer, "state", None), "metrics", None) or {}
        told = getattr(metrics.get(name.partition("/")[0]), "higher_is_better", None)
        if told is not None:
            return bool(told)
        words = re.findall(r"[a-z]+\d?", name.lower())
        known = [word for word in words if _SMALLER.fullmatch(word) or _LARGER.fullmatch(word)]
        if known or "score" in words:
            return not known or _LARGER.fullmatch(known[-1]) is not None
        raise ArgumentError(
            type(self).__name__,
            expected=f"to know whether more or less of {self.monitor!r} is better",
            received=f"mode='auto', and a name that does not tell: {self.monitor!r}",
            fix="Pass `mode='max'` or `mode='min'`.",
        )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Find out before the first step which way is better."""
        if self.required_names():
            self.larger_is_better()
