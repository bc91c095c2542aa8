"""`Losses`: running means of losses.

What flows in: batches of targets, predictions and perhaps weights. What flows out: the value of
each loss by name, of one batch to be differentiated, or of all. What may mutate: the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite._names import snake_case
from treexlite._samples import On
from treexlite.metrics._fractions import Fractions, num_examples
from treexlite.metrics._naming import named


class Losses(Fractions):
    """The value of several losses over all data, by name: what one call on all of it would give.

    Batches count as the loss divides: by their examples, by the sum of their weights, or by the
    labels that are not ignored. A loss with `reduction="sum"` is summed over all data.

    Args:
        losses: losses, in lists and dicts nested as one likes, named as the metrics of `Metrics`.
            A `tx.losses.Loss`, or a function called as `loss(target, preds)`, and with a third
            argument when there are weights, which returns the mean over the batch as one number.
        on: as in `Metric`; the losses then select from what is selected here, each by its own `on`.
        name: as in `Metric`.

    State:
        totals: what each loss divides, (2, losses), as `_sums` keeps it.
        counts: what it divides by, likewise.

    Returns:
        `{name: value}`, each with the `weight` of its loss. The value of a batch has a gradient; it
        is 0 when all examples are absent, as the loss is, while the value of no data is NaN.

    Raises:
        ArgumentError: something is no loss, or a loss that is not reduced to a number.
        ShapeError: a function returns more than one number.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> losses = tx.metrics.Losses(
        ...     [tx.losses.MeanSquaredError(), {"l1": lambda t, p: abs(t - p).mean()}]
        ... )
        >>> losses.update(jnp.zeros(3), jnp.array([1.0, 1.0, 1.0]))
        Losses(...)
        >>> batch = losses(jnp.zeros(1), jnp.array([3.0]))
        >>> {name: float(value) for name, value in batch.items()}
        {'mean_squared_error': 9.0, 'l1': 3.0}
        >>> {name: float(value) for name, value in losses.compute().items()}
        {'mean_squared_error': 3.0, 'l1': 1.5}
        >>> float(losses.total_loss())
        4.5

    Reference:
        The name and meaning are those of Treex, which averages the means of batches: a small last
        batch counts as much as the others there.
    """

    losses: dict[str, Any]

    def __init__(self, losses: Any, *, on: On = None, name: str | None = None) -> None:
        where = type(self).__name__
        self.losses = named(where, losses, _is_loss, _name, "a loss")
        self.names = tuple(self.losses)
        for key, loss in self.losses.items():
            if getattr(loss, "reduction", None) == "none":
                raise ArgumentError(
                    where,
                    expected="losses that are one number for each batch",
                    received=f"{key}={type(loss).__name__}(reduction='none')",
                    fix="Leave `reduction` out.",
                )
        super().__init__(on=on, name=name)

    def total_loss(self) -> jax.Array:
        """Return the sum of the values over all data since `reset`."""
        return sum(self.compute().values(), jnp.zeros((), jnp.float32))

    def fractions(
        self, target: Any, preds: Any, sample_weight: ArrayLike | None
    ) -> Sequence[tuple[ArrayLike, ArrayLike]]:
        """Return for each loss what it divides, and by what."""
        return [
            self._fraction(name, target, preds, sample_weight)
            for name in self.names  # not the order of the dict, which JAX may sort
        ]

    def _fraction(
        self, name: str, target: Any, preds: Any, sample_weight: ArrayLike | None
    ) -> tuple[ArrayLike, ArrayLike]:
        loss = self.losses[name]
        if hasattr(loss, "fraction"):
            parts: tuple[ArrayLike, ArrayLike] = loss.fraction(target, preds, sample_weight)
            return parts
        weights = () if sample_weight is None else (sample_weight,)
        value = loss(target, preds, *weights)
        if jnp.ndim(value) != 0:
            raise ShapeError(
                type(self).__name__,
                expected=f"the loss {name!r} of a batch to be one number",
                received=describe(value),
                fix="Return the mean, or derive a class from `tx.losses.Loss`.",
            )
        count = num_examples(preds, target)
        return value * count, count

    def _ratio(self, name: str, total: ArrayLike, count: jax.Array) -> jax.Array:
        if getattr(self.losses[name], "reduction", None) == "sum":
            count = jnp.where(count > 0, 1, count)  # but no data stay NaN
        return super()._ratio(name, total, count)


def _is_loss(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


def _name(loss: Any) -> str:
    name = getattr(loss, "name", None) or getattr(loss, "__name__", None)
    return str(name or snake_case(type(loss).__name__))
