"""`save` and `save_args`: a tree to an Orbax checkpoint.

In: a path and a tree. Out: a directory, or arguments for a manager of Orbax's. What mutates: that
path.
"""

from __future__ import annotations

import os
from typing import Any

from treexlite.checkpoints._format import located
from treexlite.checkpoints._refusals import damaged
from treexlite.interop.orbax._package import failures, package
from treexlite.interop.orbax._pytree import taken

SIGNS = ("_METADATA", "_CHECKPOINT_METADATA")
"""Files of which Orbax leaves at least one in every checkpoint."""


def save(
    path: str | os.PathLike[str], tree: Any, *, force: bool = False, checksums: bool = True
) -> None:
    """Save a module, or any tree of arrays and plain data, through Orbax.

    The same trees as with `tx.save`, and for arrays that are spread over the processes of a job as
    well: each process writes what it holds. All processes have to call it.

    Programs that know nothing of treexlite read the arrays with Orbax alone, as nested dicts by the
    names of `state_dict`. A typed PRNG key is its raw data there.

    Args:
        path: a directory that is not there yet, on a disk that all processes share.
        tree: as in `tx.save`.
        force: remove an Orbax checkpoint that is there. Orbax removes it before the new one is
            complete, so a crash can leave none; better save to a new path.
        checksums: keep a checksum of each array that the first process holds as a whole. Orbax
            notices no damage; `restore` does where there is a checksum.

    Raises:
        ArgumentError: `path` is no path, something in the tree can only be pickled, or names differ
            only where Orbax sees no difference (`{"a": {"b": x}}` and `{"a.b": x}`).
        NotInitializedError: a module waits for `init`.
        CheckpointError: there is something at `path`, the operating system or Orbax refuses, or an
            array was donated.
        ImportError: orbax-checkpoint is not installed.

    Example:
        >>> import jax.numpy as jnp, os, tempfile, treexlite as tx
        >>> path = os.path.join(tempfile.mkdtemp(), "model")
        >>> model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> tx.interop.orbax.save(path, model)
        >>> other = tx.nn.Linear(2).init(1, jnp.ones((1, 3)))
        >>> bool((tx.interop.orbax.restore(path, other).kernel == model.kernel).all())
        True

    Reference:
        `orbax.checkpoint.StandardCheckpointer`, which keeps neither plain attributes nor which
        modules are shared.
    """
    orbax = package("save")
    where = "interop.orbax.save"
    shown, place = located(where, path)
    _require_room(shown, place, force)
    pytree, metadata = taken(where, tree, checksums)
    arguments = orbax.args.PyTreeSave(pytree, custom_metadata=metadata)
    with (
        failures(shown, "to be saved"),
        orbax.Checkpointer(orbax.PyTreeCheckpointHandler()) as checkpointer,
    ):
        checkpointer.save(place, args=arguments, force=force)


def save_args(tree: Any, *, checksums: bool = True) -> Any:
    """Return what `orbax.checkpoint.CheckpointManager.save` takes as `args`.

    The manager numbers checkpoints, keeps some of them, and writes while training goes on: it takes
    the arrays from their devices first, so they may be donated to the next step. `restore` reads
    the directory of a step.

    Args:
        tree: as in `tx.save`.
        checksums: as in `save`. Computing them takes time before the manager begins.

    Returns:
        An `orbax.checkpoint.args.PyTreeSave`, also for one item of an `args.Composite`.

    Raises:
        ArgumentError: something in the tree cannot be saved, as in `save`.
        NotInitializedError: a module waits for `init`.
        CheckpointError: an array was donated.
        ImportError: orbax-checkpoint is not installed.
    """
    orbax = package("save_args")
    pytree, metadata = taken("interop.orbax.save_args", tree, checksums)
    return orbax.args.PyTreeSave(pytree, custom_metadata=metadata)


def _require_room(shown: str, place: str, force: bool) -> None:
    if not os.path.lexists(place):
        return
    some = ", ".join(sorted(os.listdir(place))[:3]) if os.path.isdir(place) else "a file"
    if not force:
        raise damaged(
            shown,
            expected="nothing at the path",
            received=f"something ({some})",
            fix="Choose a path for each checkpoint, or pass `force=True` to remove an older one.",
        )
    if not any(os.path.exists(os.path.join(place, sign)) for sign in SIGNS):
        raise damaged(
            shown,
            expected="an Orbax checkpoint to be removed, or nothing",
            received=f"something else ({some})",
            fix="Choose another path, or remove it yourself.",
        )
