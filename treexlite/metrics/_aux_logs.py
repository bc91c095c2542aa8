"""`AuxMetrics` and `AuxLosses`: running means of what models log.

What flows in: a model after it was called, or `{name: value}`. What flows out: the mean of each
log, of one batch or of all. What may mutate: the sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import Kind, LossLog, MetricLog, Module
from treexlite._core._registry import is_array
from treexlite._errors import (
    ArgumentError,
    NotInitializedError,
    StructureError,
    describe,
)
from treexlite._samples import On, align_weights, hide_absent
from treexlite.metrics._fractions import Fractions, num_examples
from treexlite.metrics._naming import unique


class AuxMetrics(Fractions):
    """The mean of each `MetricLog` of a model over all data, by name.

    A log that is one number stands for its batch, and counts once for each example of it; one with
    an axis for the examples, (batch, ...), counts value by value, with their weights.

    Args:
        logs: which logs there are: an initialized model, a dict of values, or names. Logs of a
            model are called by their fields; a name that is taken gets a number: `entropy`,
            `entropy_1`.
        on: as in `Metric`, for dicts of values.
        name: as in `Metric`.

    Shapes:
        values (or preds): a model or dict of arrays, () or (batch, ...).
        target, sample_weight: what says how many examples there are, by the first axis of the
            first array; a number counts once without both.

    State:
        totals: the weighted sums of the values, (2, logs), as `_sums` keeps them.
        counts: the sums of the weights, likewise.

    Returns:
        `{name: mean}`; NaN for what was never logged. What one batch does not log does not count.
        A model is taken as it is: what an earlier batch left in it counts again.

    Raises:
        ArgumentError: `logs` or the values are neither a model nor names.
        NotInitializedError: the model is not initialized, so its logs are not known.
        StructureError: a value has a name that was not declared.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> logs = tx.metrics.AuxMetrics(["entropy"])
        >>> logs.update(jnp.zeros(3), values={"entropy": jnp.array(1.0)})
        AuxMetrics(...)
        >>> float(logs(jnp.zeros(1), values={"entropy": jnp.array(5.0)})["entropy"])
        5.0
        >>> float(logs.compute()["entropy"])
        2.0

    Reference:
        The name and meaning are those of Treex, which counts every batch once, and keeps one of
        several logs of the same name.
    """

    kind: ClassVar[type[Kind]] = MetricLog

    paths: tuple[str, ...]

    def __init__(self, logs: Any, *, on: On = None, name: str | None = None) -> None:
        self.paths = _paths(type(self).__name__, logs, self.kind)
        is_model = isinstance(logs, Module)
        names: dict[str, None] = {}
        for path in self.paths:
            names[unique(path.rpartition("/")[2] if is_model else path, names)] = None
        self.names = tuple(names)
        super().__init__(on=on, name=name)

    def __call__(
        self,
        target: Any = None,
        preds: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        values: Any = None,
    ) -> dict[str, jax.Array]:
        """Add a batch, and return `{name: mean}` over this batch alone, to be differentiated.

        Arguments as in `update`. What the batch does not log is 0: it adds nothing to an objective.
        """
        preds, values = self._written(preds), self._written(values)
        return super().__call__(target, preds, sample_weight, values=values)

    def update(  # type: ignore[override]  # as in `Metric`
        self,
        target: Any = None,
        preds: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        values: Any = None,
    ) -> Self:
        """Add a batch.

        Args:
            target: any array of the batch, of which the first axis counts its examples.
            preds: another name for `values`.
            sample_weight: how much each example counts, for logs with an axis of examples.
            values: the model, or `{name: value}`.

        Raises:
            ArgumentError: there are no values.
            StructureError: a value has a name that was not declared.
        """
        preds, values = self._written(preds), self._written(values)
        return super().update(target, preds, sample_weight, values=values)

    def fractions(
        self, target: Any, preds: Any, sample_weight: ArrayLike | None
    ) -> Sequence[tuple[ArrayLike, ArrayLike]]:
        """Return for each log the sum of its values, and their number."""
        where = type(self).__name__
        if not isinstance(preds, Mapping):
            raise ArgumentError(
                where,
                expected="a model or `{name: value}`",
                received=describe(preds),
                fix="Call it with `values=model`, or with `values={'name': value}`.",
            )
        unknown = [path for path in preds if path not in self.paths]
        if unknown:
            raise StructureError(
                where,
                expected=f"logs that were declared, {', '.join(self.paths) or 'which are none'}",
                received=f"values for {', '.join(unknown)}",
                fix=f"Build it with these names: `{where}({list(preds)!r})`.",
            )
        count = num_examples(target, sample_weight)
        return [
            _fraction(where, preds[path], sample_weight, count) if path in preds else (0.0, 0)
            for path in self.paths
        ]

    def _written(self, logs: Any) -> Any:
        return _values(logs, self.kind) if isinstance(logs, Module) else logs


class AuxLosses(AuxMetrics):
    """The mean of each `LossLog` of a model over all data, by name, and their sum.

    Two layers that log under one name both count: `penalty`, `penalty_1`.

    Args:
        logs: as in `AuxMetrics`.
        on: as in `Metric`.
        name: as in `Metric`.

    Shapes:
        values (or preds), target, sample_weight: as in `AuxMetrics`.

    State:
        totals, counts: as in `AuxMetrics`.

    Returns:
        `{name: mean}`, as in `AuxMetrics`; the values of a batch have a gradient, and their sum is
        what the model adds to the objective.

    Raises:
        ArgumentError, NotInitializedError, StructureError: as in `AuxMetrics`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> losses = tx.metrics.AuxLosses(["penalty", "balance"])
        >>> batch = losses(values={"penalty": jnp.array(2.0), "balance": jnp.array(0.5)})
        >>> float(sum(batch.values())), float(losses.total_loss())
        (2.5, 2.5)

    Reference:
        As for `AuxMetrics`.
    """

    kind = LossLog

    def total_loss(self) -> jax.Array:
        """Return the sum of the means over all data since `reset`, of what was logged at all."""
        means = self.compute().values()
        return sum(
            (jnp.where(jnp.isnan(mean), 0, mean) for mean in means), jnp.zeros((), jnp.float32)
        )


def _fraction(
    where: str, value: Any, sample_weight: ArrayLike | None, count: int
) -> tuple[ArrayLike, ArrayLike]:
    value = jnp.asarray(value)
    value = value.astype(jnp.promote_types(value.dtype, jnp.float32))
    if value.ndim == 0:
        return value * count, count
    if sample_weight is None:
        return jnp.sum(value), value.size
    weights = align_weights(where, sample_weight, value.shape, value.dtype)
    return jnp.sum(hide_absent(value, weights) * weights), jnp.sum(weights)


def _paths(where: str, logs: Any, kind: type[Kind]) -> tuple[str, ...]:
    if isinstance(logs, Module):
        if not logs.initialized:
            raise NotInitializedError(
                where,
                expected="an initialized model, whose logs are known",
                received="a model before `init`",
                fix="Call `model = model.init(key, inputs)` first, or pass the names of its logs.",
            )
        return tuple(_values(logs, kind))
    is_several = isinstance(logs, (Mapping, list, tuple))
    if not is_several or not all(isinstance(name, str) for name in logs):
        raise ArgumentError(
            where,
            expected="a model, a dict of values, or a list of names",
            received=describe(logs),
            fix=f"Pass for example `{where}(model)` or `{where}(['penalty'])`.",
        )
    if len(set(logs)) < len(logs):
        raise ArgumentError(
            where,
            expected="each name once",
            received=f"names {', '.join(logs)}",
            fix="Give every log a name of its own.",
        )
    return tuple(logs)


def _values(model: Module, kind: type[Kind]) -> dict[str, Any]:
    return {info.path: info.value for info in model.fields(kind) if is_array(info.value)}
