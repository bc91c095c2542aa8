"""Constraints: what parameters have to be, restored after each update.

Read `_constraint` for what one does to an array, and `_apply` for layers that carry one; `_norms`
and `_ranges` hold the formulas.
"""

from treexlite.constraints._apply import apply
from treexlite.constraints._constraint import Constraint
from treexlite.constraints._norms import (
    MaxNorm,
    MinMaxNorm,
    UnitNorm,
    max_norm,
    min_max_norm,
    unit_norm,
)
from treexlite.constraints._ranges import ClipWeights, NonNegative, clip_weights, non_negative
from treexlite.constraints._registry import get, register

__all__ = [
    "ClipWeights",
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNegative",
    "UnitNorm",
    "apply",
    "clip_weights",
    "get",
    "max_norm",
    "min_max_norm",
    "non_negative",
    "register",
    "unit_norm",
]
