"""`Buffered`: metrics that need all examples at once, such as those of ranks.

What flows in: for each example some numbers and a weight. What flows out: a value of all of them
together. What may mutate: the buffer, in `update`, `absorb` and `reset`.

Most values come from sums; one that depends on the order of all examples does not. It keeps the
examples themselves, in a buffer whose size is chosen beforehand: so the shape of the state never
changes, a step is compiled once, and merging appends. What does not fit is never dropped in
silence. Where the numbers can be seen it is an error, and the metric stays as it was; in a compiled
step, which cannot raise, the value is NaN until `reset`, and `compute` outside of it says why.
"""

from __future__ import annotations

import abc
import operator
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import MetricState
from treexlite._errors import ArgumentError, DataError, describe
from treexlite._samples import On, align_weights
from treexlite.metrics._metric import Metric


class Buffered(Metric):
    """Base of the metrics that keep their examples.

    A new one says in `columns` how many numbers an example has, and defines `per_example`, which
    returns them, and `of_examples`, which turns all of them into the value. Examples come in any
    order, so the value must not depend on it: sort them.

    Args:
        capacity: the largest number of examples, over all batches and merged metrics, that are
            kept. Examples of weight 0 take no room.
        on: as in `Metric`.
        name: as in `Metric`.

    State:
        rows: the examples, (capacity, columns), float32.
        weights: their weights, (capacity,); 0 in rows that are free.
        filled: how many rows are taken, int32; capacity + 1 when there were more examples.

    Raises:
        ArgumentError: `capacity` is not a whole number above 0.
        DataError: there are more examples than `capacity`, and they are not traced.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> from treexlite.metrics._buffer import Buffered
        >>> class Median(Buffered):
        ...     columns = 1
        ...
        ...     def per_example(self, target, preds):
        ...         return (preds,)
        ...
        ...     def of_examples(self, rows, weights):
        ...         return jnp.nanmedian(jnp.where(weights > 0, rows[:, 0], jnp.nan))
        >>> median = Median(capacity=10)
        >>> [float(median(values=jnp.array(batch))) for batch in ([1.0, 7.0, 3.0], [9.0, 8.0])]
        [3.0, 8.5]
        >>> float(median.compute())
        7.0
    """

    columns: ClassVar[int] = 2

    rows: jax.Array = MetricState.node()
    weights: jax.Array = MetricState.node()
    filled: jax.Array = MetricState.node()
    capacity: int

    def __init__(self, capacity: int, *, on: On = None, name: str | None = None) -> None:
        self.capacity = _whole(type(self).__name__, capacity)
        super().__init__(on=on, name=name)

    def reset(self) -> Self:
        """Forget all examples, in place, and return the metric itself."""
        self.rows = jnp.zeros((self.capacity, self.columns), jnp.float32)
        self.weights = jnp.zeros(self.capacity, jnp.float32)
        self.filled = jnp.zeros((), jnp.int32)
        return self

    def accumulate(self, target: Any, preds: Any, sample_weight: ArrayLike | None) -> None:
        """Keep the examples of a batch whose weight is not 0."""
        numbers = self.per_example(target, preds)
        shape = numbers[0].shape
        if sample_weight is None:
            weights = jnp.ones(shape, jnp.float32)
        else:
            weights = align_weights(type(self).__name__, sample_weight, shape, jnp.float32)
        rows = jnp.stack([x.astype(jnp.float32).ravel() for x in numbers], axis=-1)
        self._keep(rows, weights.ravel(), jnp.sum(weights != 0, dtype=jnp.int32))

    def absorb(self, other: Self) -> None:
        """Keep what `other` has kept."""
        self._keep(other.rows, other.weights, other.filled)

    def compute(self) -> jax.Array:
        """Return the value over all data since `reset`; NaN or an error if not all was kept."""
        self._refuse_overflow(self.filled)
        value = self.of_examples(self.rows, self.weights)
        return jnp.where(self.filled > self.capacity, jnp.nan, value)

    @abc.abstractmethod
    def per_example(self, target: Any, preds: Any) -> tuple[jax.Array, ...]:
        """Return the numbers of each example: one array (batch, ...) for each column."""

    @abc.abstractmethod
    def of_examples(self, rows: jax.Array, weights: jax.Array) -> jax.Array:
        """Return the value of `rows` (capacity, columns), where rows of weight 0 are free."""

    def _keep(self, rows: jax.Array, weights: jax.Array, number: jax.Array) -> None:
        """Append the rows whose weight is not 0; `number` of them are, or were before overflow."""
        filled = jnp.minimum(self.filled + number, self.capacity + 1)
        self._refuse_overflow(filled)
        present = weights != 0
        place = self.filled + jnp.cumsum(present, dtype=jnp.int32) - 1
        place = jnp.where(present, place, self.capacity)  # which is no row: it is dropped
        self.rows = self.rows.at[place].set(rows, mode="drop")
        self.weights = self.weights.at[place].set(weights, mode="drop")
        self.filled = filled

    def _refuse_overflow(self, filled: jax.Array) -> None:
        if isinstance(filled, jax.core.Tracer) or int(filled) <= self.capacity:
            return
        raise DataError(
            type(self).__name__,
            expected=f"at most capacity={self.capacity} examples between two calls of `reset`",
            received="more of them",
            fix="Raise `capacity` to the number of examples, or `reset` the metric more often.",
        )


def _whole(where: str, capacity: int) -> int:
    try:
        number = operator.index(capacity)
    except TypeError:
        number = 0
    if number < 1 or isinstance(capacity, bool):
        raise ArgumentError(
            where,
            expected="`capacity`, the largest number of examples, to be a whole number above 0",
            received=f"capacity={describe(capacity)}",
            fix="Pass the number of examples in the data; each takes a few numbers of memory.",
        )
    return number
