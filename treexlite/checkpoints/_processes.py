"""Work that one of several processes does for all.

In: what the first process shall do. Out: nothing, in every process, when it is done; or an error in
every process. Nothing is mutated here. All processes have to call it, as with everything that they
do together.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np
from jax.experimental import multihost_utils

from treexlite.checkpoints._refusals import damaged


def by_the_first(shown: str, work: Callable[[], None]) -> None:
    """Do something in the first process, and wait for it in the others.

    Args:
        shown: the path of the checkpoint, for errors.
        work: what to do.

    Raises:
        CheckpointError: in the other processes, when the first one failed; its own error is raised
            there.
    """
    if jax.process_count() == 1:
        work()
        return
    error = None
    if jax.process_index() == 0:
        try:
            work()
        except BaseException as found:  # raised when the others know
            error = found
    failed = bool(multihost_utils.broadcast_one_to_all(np.array(error is not None)))
    if error is not None:
        raise error
    if failed:
        raise damaged(
            shown,
            expected="the checkpoint to be saved by the first process",
            received="an error there",
            fix="See the error of process 0; a checkpoint that was there is as it was.",
        )
