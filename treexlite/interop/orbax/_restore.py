"""`restore`: an Orbax checkpoint to a tree, or into the user's own one.

In: a path, and perhaps a tree. Out: nested containers, or that tree with the data of the
checkpoint. What mutates: the tree given as `into`, all of it or nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from treexlite._core._filters import Filter
from treexlite._core._rename import Rename
from treexlite.checkpoints._format import located
from treexlite.checkpoints._into import Options, load_into
from treexlite.checkpoints._load import require_compatible, several, warn_of_rest
from treexlite.interop.orbax._opened import Opened


def restore(
    path: str | os.PathLike[str],
    into: Any = None,
    strict: bool = True,
    rename: Rename | None = None,
    *,
    filters: Filter | Sequence[Filter] = (),
    cast: bool = False,
    statics: bool = False,
    return_report: bool = False,
) -> Any:
    """Restore what `save`, or a manager with `save_args`, wrote.

    It does what `tx.load` does, and in a job of several processes each of them reads only the parts
    of arrays that it holds in `into`. All processes have to call it.

    Args:
        path: of the checkpoint; of a manager, the directory of a step, or of an item in it.
        into: as in `tx.load`. An array goes where the leaf of the tree lies, or where the
            `sharding` of a `jax.ShapeDtypeStruct` says.
        strict: as in `tx.load`.
        rename: as in `tx.load`.
        filters: as in `tx.load`.
        cast: as in `tx.load`.
        statics: as in `tx.load`.
        return_report: as in `tx.load`.

    Returns:
        The tree. With `return_report`, also a `tx.checkpoints.LoadReport`.

    Raises:
        CheckpointError: there is no checkpoint, it is damaged, of a newer version, or was not
            written by treexlite.
        StateDictError: it does not fit `into`; everything that does not is listed.
        NotInitializedError: a module of `into` waits for `init`.
        PathError: a path pattern among `filters` matches nothing.
        ArgumentError: `path` is no path, options contradict each other, or `rename` gives two
            entries one name.
        ImportError: orbax-checkpoint is not installed.

    Warns:
        CheckpointWarning: with `strict=False`, when something was left out, unless the report is
            returned.

    Reference:
        `orbax.checkpoint.StandardCheckpointer.restore`, which returns another tree, takes its dtype
        from the target without a word about the bits that are lost, and compares no checksums.
    """
    chosen = several(filters)
    where = "interop.orbax.restore"
    require_compatible(where, into, rename=rename, statics=statics, return_report=return_report)
    shown, place = located(where, path)
    opened = Opened(shown, place)
    if into is None:
        return opened.tree(chosen)
    into, report = load_into(opened, into, Options(strict, rename, chosen, cast, statics))
    if return_report:
        return into, report
    warn_of_rest(shown, report)
    return into
