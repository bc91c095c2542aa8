"""`load`: a checkpoint to a tree, or into the user's own one.

In: a path, and perhaps a tree. Out: nested containers, or that tree with the data of the
checkpoint. What mutates: the tree given as `into`, all of it or nothing.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any, Literal, overload

from treexlite._core._filters import Filter
from treexlite._core._rename import Rename
from treexlite._core._state_dict import LoadReport
from treexlite._errors import ArgumentError, CheckpointWarning
from treexlite.checkpoints._checkpoint import Checkpoint
from treexlite.checkpoints._format import located
from treexlite.checkpoints._into import Options, load_into
from treexlite.checkpoints._pending import wait_for

_SHOWN = 5


@overload
def load(
    path: str | os.PathLike[str],
    into: Any = None,
    strict: bool = True,
    rename: Rename | None = None,
    *,
    filters: Filter | Sequence[Filter] = (),
    cast: bool = False,
    statics: bool = False,
    mmap: bool = False,
    verify: bool = True,
    return_report: Literal[False] = False,
) -> Any: ...


@overload
def load(
    path: str | os.PathLike[str],
    into: Any,
    strict: bool = True,
    rename: Rename | None = None,
    *,
    filters: Filter | Sequence[Filter] = (),
    cast: bool = False,
    statics: bool = False,
    mmap: bool = False,
    verify: bool = True,
    return_report: Literal[True],
) -> tuple[Any, LoadReport]: ...


def load(
    path: str | os.PathLike[str],
    into: Any = None,
    strict: bool = True,
    rename: Rename | None = None,
    *,
    filters: Filter | Sequence[Filter] = (),
    cast: bool = False,
    statics: bool = False,
    mmap: bool = False,
    verify: bool = True,
    return_report: bool = False,
) -> Any:
    """Load what `tx.save` wrote.

    Without `into`, the tree comes back in the containers it was saved in, with a dict of its fields
    in place of each module. With `into`, arrays are written into a tree by their paths; each keeps
    its dtype and stays on the devices where the tree has it, however it lay when it was saved. A
    checkpoint that is damaged, or does not fit, leaves that tree as it was.

    Args:
        path: a directory or a file that `tx.save` wrote.
        into: an initialised module, or a tree of modules and arrays. The modules in it are changed
            in place, and so is a list or dict; a tuple is made anew. Leaves may also be
            `jax.ShapeDtypeStruct`s (of `tx.eval_shape`), so that no arrays are made only to be
            replaced.
        strict: refuse when something is missing, left over or mismatched. `False` loads what fits.
        rename: where entries go: `{"old/**": "new/**"}`, `{"old": "new"}` for a path and all below
            it, or a function from the old path to the new one.
        filters: a kind, a path pattern or another filter of `tx.filter`, or several that all have
            to hold: what to load of the tree. What the checkpoint has beside is left alone.
        cast: round entries to the dtype of their place. Without it, an entry that would lose bits
            is a mismatch; one that loses none (bfloat16 to float32) is converted.
        statics: also set plain attributes of modules (counters, hyper-parameters) to the values
            that were saved.
        mmap: without `into`: return read-only NumPy arrays that are mapped into memory. Their data
            are read where they are touched, and not checked.
        verify: compare checksums, which takes about as long as reading from memory does. Without
            it, bytes that changed on the disk go unnoticed, as in other formats; what is cut or
            does not agree with the manifest is refused all the same.
        return_report: with `into`: return `(tree, report)`.

    Returns:
        The tree. With `return_report`, also what was loaded, missing, unexpected and mismatched,
        and which plain attributes differ.

    Raises:
        CheckpointError: there is no checkpoint, it is damaged, of a newer version, or not ours.
        StateDictError: it does not fit `into`; everything that does not is listed.
        NotInitializedError: a module of `into` waits for `init`.
        PathError: a path pattern among `filters` matches nothing.
        ArgumentError: `path` is no path, options contradict each other, or `rename` gives two
            entries one name.

    Warns:
        CheckpointWarning: with `strict=False`, when something was left out, unless the report is
            returned.

    Example:
        >>> import os, tempfile, jax.numpy as jnp, treexlite as tx
        >>> path = os.path.join(tempfile.mkdtemp(), "tree.safetensors")
        >>> tx.save(path, {"old": {"w": jnp.arange(3)}, "sizes": (2, [])})
        >>> tx.load(path)
        {'old': {'w': Array([0, 1, 2], dtype=int32)}, 'sizes': (2, [])}
        >>> tree = {"new": {"w": jnp.zeros(3, int), "b": jnp.zeros(1)}}
        >>> tree, report = tx.load(
        ...     path, into=tree, rename={"old/**": "new/**"}, strict=False, return_report=True
        ... )
        >>> report.loaded, report.missing, report.unexpected
        (('new/w',), ('new/b',), ('sizes/0',))

    Reference:
        `torch.load_state_dict(strict=False)` returns what is missing and unexpected, rounds to the
        dtype of the parameter in silence, and refuses wrong shapes in any case. Equinox and Flax
        take the structure from the tree and have no partial loads.
    """
    chosen = several(filters)
    options = {"rename": rename, "statics": statics, "mmap": mmap, "return_report": return_report}
    require_compatible("load", into, **options)
    shown, place = located("load", path)
    wait_for(place)
    with Checkpoint(shown) as checkpoint:
        checkpoint.reader.checking = verify
        if into is None:
            return checkpoint.tree(chosen, mmap)
        into, report = load_into(checkpoint, into, Options(strict, rename, chosen, cast, statics))
    if return_report:
        return into, report
    warn_of_rest(shown, report)
    return into


def several(filters: Filter | Sequence[Filter]) -> tuple[Filter, ...]:
    """Return filters as a tuple, however many there are."""
    if isinstance(filters, (str, type)) or callable(filters) or filters is ...:
        return (filters,)
    return tuple(filters)


def require_compatible(where: str, into: Any, **options: Any) -> None:
    """Require that there is a tree to load into where an option speaks of it, or none.

    Raises:
        ArgumentError: naming the first option that has no meaning.
    """
    given = [name for name, value in options.items() if value]
    wrong = [name for name in given if (name == "mmap") != (into is None)]
    if wrong:
        other = "without" if wrong[0] == "mmap" else "with"
        raise ArgumentError(
            where,
            expected=f"`{wrong[0]}` {other} `into`",
            received=f"{wrong[0]} {'with' if other == 'without' else 'without'} it",
            fix="Leave it out" + (", or pass the tree to load into." if into is None else "."),
        )


def warn_of_rest(path: str, report: LoadReport) -> None:
    """Warn the caller of the caller of what a load left out."""
    left_out = {
        name: paths
        for name in ("missing", "unexpected", "mismatched")
        if (paths := getattr(report, name))
    }
    if left_out:
        parts = [f"{name}: {_listed(paths)}" for name, paths in left_out.items()]
        warnings.warn(
            f"{path} was loaded in part ({'; '.join(parts)}); with `return_report=True`,"
            " `load` returns this instead of warning",
            CheckpointWarning,
            stacklevel=3,
        )


def _listed(paths: tuple[str, ...]) -> str:
    more = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
