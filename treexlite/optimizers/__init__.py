"""Optimizers: optax as modules that update in place, by name, with schedules and options.

Read `_optimizer` for how a step is made; each other file has one thing that may happen in it.
"""

from treexlite.optimizers import schedules
from treexlite.optimizers._loss_scale import DynamicLossScale, LossScale
from treexlite.optimizers._optimizer import Optimizer
from treexlite.optimizers._registry import get, register

__all__ = ["DynamicLossScale", "LossScale", "Optimizer", "get", "register", "schedules"]
