"""Checkpoints: trees on disk, whole or not at all, and the same to the bit when they come back.

`tx.save` and `tx.load` are all that most programs need. `Checkpoint` looks into one without loading
it. `python -m treexlite inspect|diff|verify` does so from a shell.
"""

from treexlite._core._state_dict import LoadReport
from treexlite.checkpoints._checkpoint import Checkpoint
from treexlite.checkpoints._load import load
from treexlite.checkpoints._pending import PendingSave
from treexlite.checkpoints._save import save

__all__ = ["Checkpoint", "LoadReport", "PendingSave", "load", "save"]
