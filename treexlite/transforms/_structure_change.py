"""The error for structure that changes where one compiled program must serve every case."""

from __future__ import annotations

from collections.abc import Sequence

from treexlite._core._graph import Spec
from treexlite._errors import StructureError


def changed_structure(
    where: str, what: str, before: Sequence[Spec], after: Sequence[Spec]
) -> StructureError:
    """Build the error; it names what differs."""
    return StructureError(
        where,
        expected=f"{what} to keep the structure of the modules",
        received="another structure",
        fix="Keep what changes in a field of data: `n: jax.Array = tx.State.node()`.",
    )
