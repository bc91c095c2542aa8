"""One row for each constraint; every law of this folder runs over all rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from treexlite import constraints
from treexlite.constraints import Constraint

KERNEL = 3 * np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
KERNEL[:, 1] = 0
KERNEL[:, 2] /= 30


@dataclass(frozen=True)
class ConstraintRow:
    """A constraint, and what is true of it.

    Attributes:
        name: of the row, unique.
        cls: the class.
        function: the pure function of one array that it is.
        options: what both are given.
        holds: whether an array is allowed, within rounding.
    """

    name: str
    cls: type[Constraint]
    function: Callable[..., jax.Array]
    options: dict[str, Any] = field(default_factory=dict)
    holds: Callable[[np.ndarray], bool] = lambda x: True

    def make(self, **options: Any) -> Constraint:
        """Build the constraint."""
        return self.cls(**self.options, **options)


def ids(row: ConstraintRow) -> str:
    """The name of a test's row, for `pytest.mark.parametrize(..., ids=ids)`."""
    return row.name


def _between(low: float, high: float, axis: int = 0) -> Callable[[np.ndarray], bool]:
    def holds(x: np.ndarray) -> bool:
        lengths = np.sqrt(np.square(np.float64(x)).sum(axis))
        lengths = lengths[lengths > 0]
        return bool(((low * (1 - 1e-6) <= lengths) & (lengths <= high * (1 + 1e-6))).all())

    return holds


_C = constraints
CONSTRAINTS = [
    ConstraintRow("MaxNorm", _C.MaxNorm, _C.max_norm, {"max_value": 1.5}, _between(0, 1.5)),
    ConstraintRow("UnitNorm", _C.UnitNorm, _C.unit_norm, {"axis": -1}, _between(1, 1, -1)),
    ConstraintRow(
        "MinMaxNorm",
        _C.MinMaxNorm,
        _C.min_max_norm,
        {"min_value": 0.5, "max_value": 1.5},
        _between(0.5, 1.5),
    ),
    ConstraintRow(
        "NonNegative", _C.NonNegative, _C.non_negative, holds=lambda x: bool((x >= 0).all())
    ),
    ConstraintRow(
        "ClipWeights",
        _C.ClipWeights,
        _C.clip_weights,
        {"clip_value": 0.25},
        lambda x: bool((abs(x) <= 0.25).all()),
    ),
]
