"""The error for structure that changes where one compiled program must serve every case."""

from __future__ import annotations

from collections.abc import Sequence

from treexlite._core._differences import Difference, differences
from treexlite._core._graph import Spec
from treexlite._errors import StructureError

_SHOWN = 4


def changed_structure(
    where: str, what: str, before: Sequence[Spec], after: Sequence[Spec]
) -> StructureError:
    """Build the error; it names what differs.

    Args:
        where: the name of the transformation.
        what: what should have kept the structure, for example `"a step"`.
        before: the structures of the modules as they should be.
        after: as they are.
    """
    found: list[Difference] = []
    for old, new in zip(before, after, strict=False):
        found += differences(old, new)
    shown = "; ".join(map(str, found[:_SHOWN]))
    if len(found) > _SHOWN:
        shown += f"; and {len(found) - _SHOWN} more"
    static = any(difference.what == "static" for difference in found)
    return StructureError(
        where,
        expected=f"{what} to keep the structure of the modules",
        received=shown or "other modules in its output, or in another order",
        fix=(
            "A number that changes belongs in a field of data: `n: jax.Array = tx.State.node()`."
            if static
            else "Create what is new outside, and keep what changes in fields of data."
            if found
            else "Return the same modules in each case, or copies: `module.copy()`."
        ),
    )
