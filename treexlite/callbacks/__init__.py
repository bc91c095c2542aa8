"""Callbacks: what may happen around the steps of a trainer.

    trainer.fit(x, y, validation_split=0.1, callbacks=[
        tx.callbacks.EarlyStopping(patience=5, restore_best_weights=True),
        tx.callbacks.ModelCheckpoint("runs/{epoch:03d}-{val_loss:.3f}", max_to_keep=3),
    ])

What flows in: events of the loop, in the order of the list. What flows out: what callbacks write,
print, or add to the logs. What may mutate: the trainer's model and optimizer, between steps.
`_callback` has the hooks and what each costs; `_list` calls them.
"""

from treexlite.callbacks._backup_and_restore import BackupAndRestore
from treexlite.callbacks._batch_size_finder import BatchSizeFinder, BatchSizeResult
from treexlite.callbacks._callback import Callback
from treexlite.callbacks._csv_logger import CSVLogger
from treexlite.callbacks._early_stopping import EarlyStopping
from treexlite.callbacks._ema import EMA
from treexlite.callbacks._gradient_monitor import GradientMonitor
from treexlite.callbacks._json_logger import JSONLogger
from treexlite.callbacks._lambda_callback import LambdaCallback
from treexlite.callbacks._learning_rate_finder import LearningRateFinder
from treexlite.callbacks._learning_rate_scheduler import LearningRateScheduler
from treexlite.callbacks._list import CallbackList
from treexlite.callbacks._model_checkpoint import ModelCheckpoint
from treexlite.callbacks._monitor import MonitorCallback
from treexlite.callbacks._non_finite import NonFinite
from treexlite.callbacks._progress_bar import ProgressBar
from treexlite.callbacks._reduce_lr_on_plateau import ReduceLROnPlateau
from treexlite.callbacks._remote_monitor import RemoteMonitor
from treexlite.callbacks._tensor_board import TensorBoard
from treexlite.callbacks._terminate_on_nan import TerminateOnNaN
from treexlite.callbacks._timer import Timer

__all__ = [
    "BackupAndRestore",
    "BatchSizeFinder",
    "BatchSizeResult",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EMA",
    "EarlyStopping",
    "GradientMonitor",
    "JSONLogger",
    "LambdaCallback",
    "LearningRateFinder",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "NonFinite",
    "ProgressBar",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "TensorBoard",
    "TerminateOnNaN",
    "Timer",
]
