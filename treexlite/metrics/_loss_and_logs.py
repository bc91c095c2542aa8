"""`LossAndLogs`: everything that a train step wants to know, in one object.

What flows in: batches of targets, predictions and perhaps weights, and what the model logs. What
flows out: the objective of the batch, to be differentiated, and logs by name. What may mutate: the
parts, in `update`, `reset` and the call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, TypeVar

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import Module
from treexlite._errors import ArgumentError
from treexlite._samples import On
from treexlite.metrics._aux_logs import AuxLosses, AuxMetrics
from treexlite.metrics._losses import Losses
from treexlite.metrics._metric import Metric
from treexlite.metrics._metrics import Metrics
from treexlite.metrics._naming import unique

M = TypeVar("M", bound=Metric)
_PARTS = ("losses", "aux_losses", "metrics", "aux_metrics")


class LossAndLogs(Metric):
    """Combines losses, metrics and what a model logs: `{"loss": objective, name: value, ...}`.

    The objective is the sum of all losses and of all `LossLog` values, also where two of them have
    one name.

    Args:
        losses: a `Losses`, or what it takes.
        metrics: a `Metrics`, or what it takes.
        aux_losses: an `AuxLosses`, or what it takes: the model, or the names of its logs.
        aux_metrics: an `AuxMetrics`, or what it takes.
        on: as in `Metric`; each part then selects from what is selected here.
        name: as in `Metric`.

    State:
        losses, metrics, aux_losses, aux_metrics: the parts, None for what was not given.

    Returns:
        The call gives the logs of the batch; `compute` those of all data, the same names. A name
        that is taken gets a number. `batch_loss_epoch_logs` is for a train step.

    Raises:
        ArgumentError: there is no part; what the model logs is missing, or passed without a part
            for it; or a part refuses the batch. Then none of them has seen it.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> meter = tx.metrics.LossAndLogs(
        ...     tx.losses.MeanSquaredError(), {"mae": tx.metrics.MeanAbsoluteError()}, ["penalty"]
        ... )
        >>> def step(preds):
        ...     penalty = {"penalty": 0.5 * preds.sum()}
        ...     return meter.batch_loss_epoch_logs(jnp.zeros(2), preds, aux_losses=penalty)
        >>> for preds in (jnp.array([1.0, 1.0]), jnp.array([1.0, 3.0])):
        ...     loss, logs = step(preds)
        >>> float(loss), {name: float(value) for name, value in logs.items()}
        (7.0, {'loss': 4.5, 'mean_squared_error': 3.0, 'penalty': 1.5, 'mae': 1.5})

    Reference:
        The name and meaning are those of Treex, where logs of one name replace each other.
    """

    losses: Losses | None
    metrics: Metrics | None
    aux_losses: AuxLosses | None
    aux_metrics: AuxMetrics | None

    def __init__(
        self,
        losses: Any = None,
        metrics: Any = None,
        aux_losses: Any = None,
        aux_metrics: Any = None,
        *,
        on: On = None,
        name: str | None = None,
    ) -> None:
        self.losses = _part(Losses, losses)
        self.metrics = _part(Metrics, metrics)
        self.aux_losses = _part(AuxLosses, aux_losses)
        self.aux_metrics = _part(AuxMetrics, aux_metrics)
        if not self._parts():
            raise ArgumentError(
                type(self).__name__,
                expected="losses, metrics, or logs of a model",
                received="none of them",
                fix="Pass for example `tx.losses.MeanSquaredError()` as `losses`.",
            )
        super().__init__(on=on, name=name)

    def __call__(
        self,
        target: Any = None,
        preds: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        values: Any = None,
        aux_losses: Any = None,
        aux_metrics: Any = None,
    ) -> dict[str, Any]:
        """Add a batch, and return its logs; `"loss"` is to be differentiated.

        Arguments as in `update`.
        """
        logs: dict[str, Mapping[str, Any]] = {}
        target, preds = self._selected(target, preds, values)
        updated = self.copy()
        for name, part, batch in updated._batches(target, preds, aux_losses, aux_metrics):
            logs[name] = part(**batch, sample_weight=sample_weight)
        Module.update(self, updated, inplace=True)
        return _joined(_objective(logs), logs)

    def batch_loss_epoch_logs(
        self,
        target: Any = None,
        preds: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        values: Any = None,
        aux_losses: Any = None,
        aux_metrics: Any = None,
    ) -> tuple[jax.Array, dict[str, Any]]:
        """Add a batch, and return its objective and the logs of all data since `reset`.

        Arguments as in `update`.

        Returns:
            The objective, to be differentiated; and what `compute` returns.
        """
        logs: dict[str, Mapping[str, Any]] = {}
        target, preds = self._selected(target, preds, values)
        updated = self.copy()
        for name, part, batch in updated._batches(target, preds, aux_losses, aux_metrics):
            if name in ("losses", "aux_losses"):
                logs[name] = part(**batch, sample_weight=sample_weight)
            else:
                part.update(**batch, sample_weight=sample_weight)
        Module.update(self, updated, inplace=True)
        return _objective(logs), self.compute()

    def update(  # type: ignore[override]  # as in `Metric`
        self,
        target: Any = None,
        preds: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        values: Any = None,
        aux_losses: Any = None,
        aux_metrics: Any = None,
    ) -> Self:
        """Add a batch to every part, or to none if one refuses it.

        Args:
            target: as in `Metric`.
            preds: as in `Metric`.
            sample_weight: as in `Metric`.
            values: as in `Metric`.
            aux_losses: the model after it was called, or `{name: value}` of its `LossLog`s.
            aux_metrics: likewise, of its `MetricLog`s.

        Raises:
            ArgumentError: what the model logs is missing, or passed without a part for it.
        """
        self.accumulate(
            *self._selected(target, preds, values), sample_weight, aux_losses, aux_metrics
        )
        return self

    def reset(self) -> Self:
        """Forget all data, in place, and return the metric itself."""
        for part in self._parts().values():
            part.reset()
        return self

    def accumulate(
        self,
        target: Any,
        preds: Any,
        sample_weight: ArrayLike | None,
        aux_losses: Any = None,
        aux_metrics: Any = None,
    ) -> None:
        """Add a batch to every part."""
        updated = self.copy()
        for _, part, batch in updated._batches(target, preds, aux_losses, aux_metrics):
            part.update(**batch, sample_weight=sample_weight)
        Module.update(self, updated, inplace=True)

    def absorb(self, other: Self) -> None:
        """Add what the parts of `other` have seen."""
        others = other._parts()
        for name, part in self._parts().items():
            part.absorb(others[name])

    def compute(self) -> dict[str, Any]:
        """Return the objective as "loss", and every value by name, over all data since `reset`."""
        return _joined(
            self.total_loss(), {name: part.compute() for name, part in self._parts().items()}
        )

    def total_loss(self) -> jax.Array:
        """Return the objective over all data since `reset`; 0 when there are no losses."""
        parts = (self.losses, self.aux_losses)
        return sum(
            (part.total_loss() for part in parts if part is not None), jnp.zeros((), jnp.float32)
        )

    def _parts(self) -> dict[str, Metric]:
        parts = {name: getattr(self, name) for name in _PARTS}
        return {name: part for name, part in parts.items() if part is not None}

    def _batches(
        self, target: Any, preds: Any, aux_losses: Any, aux_metrics: Any
    ) -> Iterator[tuple[str, Metric, dict[str, Any]]]:
        """Return for each part its name, itself, and what it is updated with."""
        logs = {"aux_losses": aux_losses, "aux_metrics": aux_metrics}
        parts = self._parts()
        for name, values in logs.items():
            if (values is None) != (name not in parts):
                raise ArgumentError(
                    type(self).__name__,
                    expected=f"`{name}` when it was built with `{name}`, and only then",
                    received=f"{name}={'None' if values is None else 'given'}",
                    fix=f"Pass `{name}=model` to both: what the model logs must not be lost.",
                )
        for name, part in parts.items():
            batch = {"values": logs[name]} if name in logs else {"preds": preds}
            yield name, part, {"target": target, **batch}


def _part(cls: type[M], value: Any) -> M | None:
    return value if value is None or isinstance(value, cls) else cls(value)  # type: ignore[call-arg]  # every part takes one argument


def _objective(logs: Mapping[str, Mapping[str, Any]]) -> jax.Array:
    terms = [value for name in ("losses", "aux_losses") for value in logs.get(name, {}).values()]
    return sum(terms, jnp.zeros((), jnp.float32))


def _joined(loss: jax.Array, logs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    joined = {"loss": loss}
    for name in _PARTS:
        for key, value in logs.get(name, {}).items():
            joined[unique(key, joined)] = value
    return joined
