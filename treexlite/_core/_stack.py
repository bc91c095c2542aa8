"""Stacking: many equal modules as one module with a leading axis, and back.

A stacked module is what `tx.vmap` maps over and what `tx.scan` runs through, one slice at a time.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core._graph import Walk, walk
from treexlite._core._lazy import is_lazy
from treexlite._core._paths import leaf_paths, places
from treexlite._errors import NotInitializedError, ShapeError, StructureError


def stack(modules: Iterable[Any]) -> Any:
    """Return one module whose arrays are those of all `modules`, stacked along a new first axis.

    Args:
        modules: initialised modules (or trees of them) that were built alike.

    Returns:
        A new module of the same type. Sharing inside the modules is kept.

    Raises:
        StructureError: there is none, or they differ in structure or in a static attribute.
        ShapeError: an array has another shape or dtype than in the first module.
        NotInitializedError: a module waits for `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layers = [tx.nn.Linear(2).init(seed, jnp.ones((1, 3))) for seed in range(4)]
        >>> tx.stack(layers).kernel.shape
        (4, 3, 2)
    """
    walks = [walk(module) for module in modules]
    if not walks:
        raise _unlike("at least one module", "none")
    first = walks[0]
    columns = [_leaves(found) for found in walks]
    for number, found in enumerate(walks):
        if found.spec is not first.spec or columns[number].keys() != columns[0].keys():
            raise _unlike(
                "modules that were built alike", f"module {number} unlike module 0 in structure"
            )
    for number, column in enumerate(columns):
        for path, leaf in column.items():
            if _type(leaf) != _type(columns[0][path]):
                raise ShapeError(
                    "stack",
                    expected=f"`{path}` to be {_type(columns[0][path])} in every module",
                    received=f"{_type(leaf)} in module {number}",
                    fix="Initialise all of them with inputs of the same shape.",
                )
    rows = [found.values() for found in walks]
    values = [
        jax.tree_util.tree_map(lambda *leaves: jnp.stack(leaves), *slot)
        for slot in zip(*rows, strict=True)
    ]
    return first.spec.build(values).root


def unstack(module: Any) -> list[Any]:
    """Return the modules that `stack` put together; each is new and independent of the others.

    Raises:
        ShapeError: the arrays do not have a first axis of one size.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> len(tx.unstack(tx.stack([layer, layer])))
        2
    """
    found = walk(module)
    sizes = {path: jnp.shape(leaf)[:1] for path, leaf in _leaves(found).items()}
    size = next(iter(sizes.values()), ())
    for path, other in sizes.items():
        if other != size or not size:
            raise ShapeError(
                "unstack",
                expected="every array to have a first axis of the same size",
                received=f"`{path}` with a first axis of size {other[0]}, not {size[0]}"
                if other and size
                else f"`{path}` of shape ()",
                fix="Unstack what `tx.stack`, or `tx.vmap` over `init`, has made.",
            )
    if not size:
        raise _unlike("a module with arrays", f"a {type(module).__name__} without any")
    values = found.values()
    return [
        found.spec.build(
            jax.tree_util.tree_map(operator.itemgetter(n), value) for value in values
        ).root
        for n in range(size[0])
    ]


def _leaves(found: Walk) -> dict[str, Any]:
    """Return every array by its path."""
    leaves: dict[str, Any] = {}
    for slot, value in zip(places(found.spec).slots, found.values(), strict=True):
        if is_lazy(value):
            raise NotInitializedError(
                "stack",
                expected="initialised modules",
                received=f"one whose field `{slot.path}` is not created yet",
                fix="Initialise each, or all at once: `tx.vmap(lambda key: m.init(key, x))(keys)`.",
            )
        leaves.update(leaf_paths(slot.path, value))
    return leaves


def _type(leaf: Any) -> str:
    return f"{jnp.result_type(leaf)}{list(jnp.shape(leaf))}"


def _unlike(expected: str, received: str) -> StructureError:
    return StructureError(
        "stack", expected=expected, received=received, fix="Stack modules of one class and setup."
    )
