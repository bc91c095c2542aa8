"""Losses: pure functions from targets and predictions to one value per example, and their objects.

Read `_loss` for how values become one number; each other file holds the formulas of one family.
"""

from treexlite.losses._classification import CrossEntropy, cross_entropy
from treexlite.losses._loss import Loss
from treexlite.losses._registry import get, register
from treexlite.losses._regression import MeanSquaredError, mean_squared_error

__all__ = [
    "CrossEntropy",
    "Loss",
    "MeanSquaredError",
    "cross_entropy",
    "get",
    "mean_squared_error",
    "register",
]
