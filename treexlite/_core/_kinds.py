"""Kinds: classes that say what a field holds. Selection is `issubclass`.

    Kind ─┬─ Parameter                     trained by gradients
          ├─ State ─┬─ Rng                 a PRNG key that a module splits and stores back
          │         ├─ MetricState         running sums of a metric
          │         ├─ OptState            what an optimizer remembers
          │         └─ ModelState ─┬─ BatchStat   running statistics
          │                        └─ Cache       values kept between calls
          └─ Log ─┬─ LossLog               terms added to the loss
                  └─ MetricLog             values shown in the logs

A field is declared with `Kind.node()` (data, seen by JAX), `Kind.static()` (structure) or
`Kind.field(node=...)`. Users subclass kinds freely.
"""

from __future__ import annotations

from treexlite._core._treeo import KindMixin


class Kind(KindMixin):
    """Base of all kinds. `kernel: jax.Array = SomeKind.node()` declares a field of that kind."""


class Parameter(Kind):
    """Arrays that gradients train."""


class State(Kind):
    """Arrays that a module changes itself."""


class Rng(State):
    """PRNG keys."""


class MetricState(State):
    """Sums from which a metric is computed."""


class OptState(State):
    """What an optimizer keeps from step to step."""


class ModelState(State):
    """State that belongs to the model's function."""


class BatchStat(ModelState):
    """Running statistics of batches."""


class Cache(ModelState):
    """Values kept between calls, such as attention keys."""


class Log(Kind):
    """Values that a call leaves behind for others to read."""


class LossLog(Log):
    """Terms that a trainer adds to the loss."""


class MetricLog(Log):
    """Values that a trainer adds to its logs."""
