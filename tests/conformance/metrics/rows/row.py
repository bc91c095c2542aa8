"""What a row of the catalogue of metrics is, and the data that rows share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from treexlite.metrics import Metric

EXAMPLES = 8
_RNG = np.random.default_rng(0)
LABELS = np.array([0, 2, 1, 2, 0, 1, 1, 2])
SCORES = _RNG.integers(-99, 99, (EXAMPLES, 3)).astype(np.float32) / 8
YES_NO = np.array([0, 1, 1, 0, 1, 0, 1, 1])
CHANCES = _RNG.integers(1, 64, EXAMPLES).astype(np.float32) / 64
NUMBERS = _RNG.integers(-99, 99, EXAMPLES).astype(np.float32) / 8
GUESSES = NUMBERS + _RNG.integers(-9, 9, EXAMPLES).astype(np.float32) / 8
WEIGHTS = _RNG.integers(0, 5, EXAMPLES).astype(np.float32) / 4


@dataclass(frozen=True)
class MetricRow:
    """A metric, eight examples for it, and what is true of it.

    Attributes:
        name: of the row, unique.
        make: builds the metric; takes `on` and `name`.
        target: eight examples, an array or a tree; None for metrics of plain values.
        preds: likewise.
        weighted: whether it takes `sample_weight`.
        empty: the value of no data, a number or NaN for every number of the value.
        options: further arguments of `update`.
    """

    name: str
    make: Callable[..., Metric]
    target: Any
    preds: Any
    weighted: bool = True
    empty: float = np.nan
    options: dict[str, Any] = field(default_factory=dict)

    def batch(self, rows: Any = slice(None), weighted: bool = False) -> dict[str, Any]:
        """Return some of the examples, as keywords of `update`."""
        weights = {"sample_weight": WEIGHTS} if weighted and self.weighted else {}
        examples = {"target": self.target, "preds": self.preds, **weights}
        return {**part(examples, rows), **self.options}


def ids(row: MetricRow) -> str:
    """The name of a test's row, for `pytest.mark.parametrize(..., ids=ids)`."""
    return row.name


def part(tree: Any, rows: Any) -> Any:
    """Return some examples of a batch."""
    return jax.tree.map(lambda x: x[rows], tree)


def assert_same_value(a: Any, b: Any, tolerance: float = 1e-6) -> None:
    """Compare two values of a metric: numbers, arrays or trees of them."""
    leaves, others = jax.tree.leaves(a), jax.tree.leaves(b)
    assert len(leaves) == len(others) > 0
    for leaf, other in zip(leaves, others, strict=True):
        np.testing.assert_allclose(leaf, other, rtol=tolerance, atol=tolerance)
