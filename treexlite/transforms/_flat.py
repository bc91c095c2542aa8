"""A function over modules as a function over arrays, which any JAX transformation can take.

In: a function and one packed call. Out: `flat(leaves, arrays)`, which builds the modules inside the
transformation, calls the function, and returns `(payload, node)` for `commit`. Arguments that are
no data (a string, a flag object, a function) pass by the transformation untouched. A `Flat` knows
structures only, never the modules of the call it was made for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from treexlite._core._registry import is_numeric
from treexlite.transforms._aside import Aside
from treexlite.transforms._lift import Inside
from treexlite.transforms._pack import Packed
from treexlite.transforms._static_arguments import Statics, restore


class Flat:
    """One function, made flat for one structure of arguments.

    Args:
        function: the plain function.
        packed: a call of it.
        statics: static arguments that were taken out before packing.

    Attributes:
        key: how the modules are built (`Packed.key`).
        treedef: the structure of the plain arguments, holes included.
        opaque: the plain leaves that are no data, by their number; the rest are arrays.
    """

    def __init__(self, function: Callable[..., Any], packed: Packed, statics: Statics = ()) -> None:
        self.function = function
        self.statics = statics
        self.key = packed.key
        leaves, self.treedef = jax.tree_util.tree_flatten(packed.arguments)
        self.opaque = {n: leaf for n, leaf in enumerate(leaves) if not is_data(leaf)}

    def arrays(self, packed: Packed) -> list[Any]:
        """Return the plain arguments that are data, in order."""
        return list(filter(is_data, jax.tree_util.tree_leaves(packed.arguments)))

    def arguments(self, arrays: Sequence[Any]) -> Any:
        """Return `(args, kwargs)` with holes, around the given arrays."""
        return jax.tree_util.tree_unflatten(self.treedef, self._interleave(list(arrays)))

    def _interleave(self, arrays: list[Any]) -> list[Any]:
        remaining = iter(arrays)
        count = len(arrays) + len(self.opaque)
        return [self.opaque[n] if n in self.opaque else next(remaining) for n in range(count)]

    def run(self, leaves: Sequence[Any], arrays: Sequence[Any]) -> tuple[Inside, Any]:
        """Call the function on modules built from `leaves`.

        Returns:
            The modules as the function left them, and what it returned.
        """
        inside = Inside(self.key, leaves)
        args, kwargs = restore(inside.fill(self.arguments(arrays)), self.statics)
        return inside, self.function(*args, **kwargs)

    def __call__(self, leaves: Sequence[Any], arrays: Sequence[Any]) -> tuple[Any, Aside]:
        inside, output = self.run(leaves, arrays)
        return inside.close(output)


def is_data(leaf: Any) -> bool:
    """Whether a plain argument is data for JAX: an array, a number, a shape."""
    return (
        is_numeric(leaf) or isinstance(leaf, jax.ShapeDtypeStruct) or hasattr(leaf, "__jax_array__")
    )
