"""Schedules of learning rates: functions from the number of a step to a rate.

Any function `step -> rate` is a schedule; those here have a readable form, and are equal when they
are built alike, so that a second optimizer does not compile again. A step is an update that was
really made: with `accumulate_steps=4`, four calls of `Optimizer.update` are one.
"""

from treexlite.optimizers.schedules._cosine import cosine, cosine_restarts, one_cycle
from treexlite.optimizers.schedules._decay import exponential, linear, piecewise, polynomial
from treexlite.optimizers.schedules._schedule import Schedule, constant
from treexlite.optimizers.schedules._warmup import inverse_sqrt, linear_warmup, noam

__all__ = [
    "Schedule",
    "constant",
    "cosine",
    "cosine_restarts",
    "exponential",
    "inverse_sqrt",
    "linear",
    "linear_warmup",
    "noam",
    "one_cycle",
    "piecewise",
    "polynomial",
]
