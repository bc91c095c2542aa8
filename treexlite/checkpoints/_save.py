"""`save`: a tree to a checkpoint.

In: a path and a tree. Out: a file or directory, whole or not at all. What mutates: that path.
"""

from __future__ import annotations

import os
from typing import Any, Literal, overload

import jax

from treexlite._errors import ArgumentError
from treexlite.checkpoints import _structure
from treexlite.checkpoints._checkpoint import EXTRA, EXTRA_PREFIX, TREE
from treexlite.checkpoints._format import Snapshot, commit, located, snapshot
from treexlite.checkpoints._pending import PendingSave, wait_for, warn_of_failures
from treexlite.checkpoints._processes import by_the_first


@overload
def save(
    path: str | os.PathLike[str],
    tree: Any,
    *,
    extra: Any = None,
    asynchronous: Literal[False] = False,
) -> None: ...


@overload
def save(
    path: str | os.PathLike[str], tree: Any, *, extra: Any = None, asynchronous: Literal[True]
) -> PendingSave: ...


def save(
    path: str | os.PathLike[str], tree: Any, *, extra: Any = None, asynchronous: bool = False
) -> PendingSave | None:
    """Save a module, or any tree of arrays and plain data.

    A crash at any instant, of the program or of the machine, leaves the checkpoint that was at
    `path` or the new one. Nothing is pickled: arrays lie in a safetensors file, everything else in
    JSON. What is saved comes back to the bit: typed PRNG keys, bfloat16 and other small dtypes,
    Python numbers, NumPy arrays, empty containers, modules that are shared.

    In a job of several processes all of them call it with the same tree. The first one writes, and
    the others wait until it has, or raise when it fails. Arrays of which each process holds a part
    are refused; `tx.interop.orbax.save` takes them.

    Args:
        path: a file when it ends in `.safetensors`, else a directory. Directories above it are
            made. A checkpoint that is there is replaced.
        tree: a module (a model, an optimizer, a metric, a `tx.TrainState`), or a tree of modules,
            arrays and plain data: None, numbers, strings, bytes, lists, tuples, sets, dicts.
        extra: another such tree, for what a program wants to remember beside its modules;
            `tx.checkpoints.Checkpoint(path).extra` gives it back.
        asynchronous: take a copy of the arrays, and write it while the program goes on. The copy
            is made on the device that holds them, without waiting for what it computes; so they
            may be donated to the next step at once. Of several processes, only the first one
            knows when it is written.

    Returns:
        None, or with `asynchronous=True` a `PendingSave`, whose `wait()` waits for the disk and
        raises what went wrong.

    Raises:
        ArgumentError: `path` is no path, something in the tree can only be pickled, two arrays have
            one path, or it is nested too deeply.
        NotInitializedError: a module waits for `init`.
        CheckpointError: the operating system refuses (no permission, a full disk), there is
            something else at `path`, an array was donated, or other processes hold a part of it.
            What was at `path` is as it was.

    Example:
        >>> import os, tempfile, jax.numpy as jnp, treexlite as tx
        >>> path = os.path.join(tempfile.mkdtemp(), "model")
        >>> model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> tx.save(path, model)
        >>> other = tx.nn.Linear(2).init(1, jnp.ones((1, 3)))
        >>> bool((tx.load(path, into=other).kernel == model.kernel).all())
        True

    Reference:
        `torch.save` and Equinox write over the old file; `flax.serialization` and NNX with Orbax
        keep structure apart from data as well. Orbax writes from all processes of a job; here the
        first one writes.
    """
    warn_of_failures()
    shown, place = located("save", path)
    with _structure.walkable("save"):
        taken = _taken(tree, extra, copy=asynchronous)
    if asynchronous:
        first = jax.process_index() == 0
        return PendingSave(place, lambda: commit(shown, place, taken) if first else None)
    wait_for(place)
    by_the_first(shown, lambda: commit(shown, place, taken))
    return None


def _taken(tree: Any, extra: Any, copy: bool) -> Snapshot:
    encoded = _structure.encode("save", tree)
    beside = _structure.encode("save", extra, EXTRA_PREFIX)
    both = encoded.arrays.keys() & beside.arrays.keys()
    if both:
        raise ArgumentError(
            "save",
            expected=f"no dict key {EXTRA_PREFIX!r} at the top of the tree",
            received=f"an array at {min(both)!r}",
            fix="Rename it; that name is taken for `extra`.",
        )
    arrays = {**encoded.arrays, **beside.arrays}
    plain = {TREE: encoded.node, EXTRA: beside.node}
    return snapshot("save", arrays, plain, encoded.kinds, copy)
