"""`BatchSizeFinder`: how large a batch may be, and how large it should be, by measuring."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite._arguments import integer
from treexlite._errors import ArgumentError
from treexlite.callbacks._arguments import number
from treexlite.callbacks._callback import Callback, Logs
from treexlite.callbacks._copies import copied, put_back

_WHERE = "BatchSizeFinder"


class BatchSizeResult(NamedTuple):
    """What was measured for one size.

    Attributes:
        batch_size: how many examples a step had.
        examples_per_second: how many were trained on; None when the memory did not suffice.
    """

    batch_size: int
    examples_per_second: float | None


class BatchSizeFinder(Callback):
    """Doubles the batch until the memory does not suffice, and measures how fast the steps are.

    Before the training, on copies of the state; the batches are the first one of the data, repeated
    or shortened. Each size compiles the step once.

    Args:
        min_size: the first size.
        max_size: no size above this.
        num_steps: how many steps are measured for each size, after one that warms up.
        tolerance: the suggestion is the smallest size with at least this share of the best speed:
            larger batches than that cost memory for nothing.
        stop_training: end `fit` then, and leave the trainer as it was at its beginning; otherwise
            the training goes on, with the batches it has.

    Attributes:
        results: a `BatchSizeResult` for each size, in the order of sizes.
        suggestion: the size to take; None when no size fits into the memory.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> finder = tx.callbacks.BatchSizeFinder(min_size=8, max_size=32, num_steps=1)
        >>> history = trainer.fit(x, x, verbose=0, callbacks=[finder])
        >>> [result.batch_size for result in finder.results], int(trainer.state.step)
        ([8, 16, 32], 0)

    Reference:
        PyTorch Lightning's `BatchSizeFinder` looks for the largest size that fits; on accelerators
        the speed stops growing long before that.
    """

    needs_logs = False

    def __init__(
        self,
        min_size: int = 8,
        max_size: int = 8192,
        num_steps: int = 3,
        *,
        tolerance: float = 0.9,
        stop_training: bool = True,
    ) -> None:
        self.min_size = integer(_WHERE, "min_size", min_size, 1)
        self.max_size = integer(_WHERE, "max_size", max_size, self.min_size)
        self.num_steps = integer(_WHERE, "num_steps", num_steps, 1)
        self.tolerance = number(_WHERE, "tolerance", tolerance, above=0.0)
        if self.tolerance > 1:
            raise ArgumentError(
                _WHERE,
                expected="`tolerance` to be a share, at most 1",
                received=f"tolerance={tolerance}",
                fix="Pass for example `tolerance=0.9`.",
            )
        self.stop_training = stop_training
        self.results: list[BatchSizeResult] = []
        self._beginning: Any = None

    @property
    def suggestion(self) -> int | None:
        """The smallest size that is nearly as fast as the fastest; None when none fits."""
        rates = {size: rate for size, rate in self.results if rate is not None}
        wanted = self.tolerance * max(rates.values(), default=0.0)
        return next((size for size, rate in rates.items() if rate >= wanted), None)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Measure."""
        self.results = []
        batch, size = self.trainer.example_batch(), self.min_size
        while size <= self.max_size:
            try:
                rate = self._measured(_resized(batch, size), size)
            except (MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                rate = None
            self.results.append(BatchSizeResult(size, rate))
            if rate is None:
                break
            size *= 2
        if self.stop_training:
            self._beginning = copied(self.trainer.state)
            self.trainer.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the trainer as it was, should a step have been made."""
        if self._beginning is not None:
            put_back(self.trainer.state, self._beginning)
            self._beginning = None

    def _measured(self, batch: Any, size: int) -> float:
        """Return how many examples a second are trained on."""
        state = copied(self.trainer.state)
        self.trainer.replay(state, batch)  # compiles
        started = time.perf_counter()
        for _ in range(self.num_steps):
            self.trainer.replay(state, batch)
        seconds = time.perf_counter() - started
        return size * self.num_steps / max(seconds, 1e-9)


def _resized(batch: Any, size: int) -> Any:
    """Return a batch of `size` examples: the given ones, again and again."""

    def resized(array: Any) -> Any:
        return jnp.take(array, jnp.arange(size) % array.shape[0], axis=0)

    return jax.tree_util.tree_map(resized, batch)


def _is_out_of_memory(error: Exception) -> bool:
    text = str(error).lower()
    told = ("resource_exhausted", "resource exhausted", "out of memory")
    return isinstance(error, MemoryError) or any(word in text for word in told)
