"""Training: Keras's vocabulary around compiled steps.

What flows in: a model, a loss, an optimizer, metrics, and data. What flows out: the same model,
trained, and a `History`. What may mutate: the `TrainState`, by steps. Read `_loop` for the order of
events, `_default_steps` for what happens to one batch, `_trainer` for the interface.
"""

from treexlite.training._data import Batch
from treexlite.training._history import History
from treexlite.training._state import TrainState
from treexlite.training._trainer import Trainer

__all__ = ["Batch", "History", "TrainState", "Trainer"]
