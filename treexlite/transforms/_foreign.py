"""`tx.lift`: make any transformation of functions keep what modules change.

The transformation gets a function of the same arguments in which each module is a PyTree node with
the module's arrays as leaves. What the function returns is such a node too; wherever it is found in
the transformation's result, the changes are written to the modules and the output takes its place.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax

from treexlite._context import current_init
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, StructureError, describe
from treexlite.transforms._aside import Aside
from treexlite.transforms._callable import Transform
from treexlite.transforms._lift import Inside, commit
from treexlite.transforms._pack import Hole, Packed, is_hole, pack


class Arrays:
    """The arrays of one module of a call, in its place; a PyTree node.

    The data of modules that several arguments share stands in the first of them.
    """

    __slots__ = ("index", "values")

    def __init__(self, index: int, values: Any) -> None:
        self.index, self.values = index, values


jax.tree_util.register_pytree_node(
    Arrays, lambda node: ((node.values,), node.index), lambda index, kids: Arrays(index, *kids)
)


class Result:
    """What a lifted function returns: its payload and its effect, as one PyTree node."""

    __slots__ = ("node", "payload")

    def __init__(self, payload: Any, node: Aside) -> None:
        self.payload, self.node = payload, node


jax.tree_util.register_pytree_node(
    Result, lambda result: ((result.payload, result.node), None), lambda _, kids: Result(*kids)
)


def _is_arrays(value: Any) -> bool:
    return type(value) is Arrays


def _is_result(value: Any) -> bool:
    return type(value) is Result


class Lifted(Transform):
    """A function under a foreign transformation; see `lift`."""

    name = "lift"

    def __init__(self, transform: Callable[..., Any], f: Any, args: Any, kwargs: Any) -> None:
        super().__init__(f)
        self.transform, self.options = transform, (args, kwargs)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the transformed function, and write what it changed."""
        packed = pack(args, kwargs)
        key, function, initialising = packed.key, self.function, current_init()

        def flat(*args: Any, **kwargs: Any) -> Result:
            nodes = jax.tree_util.tree_leaves((args, kwargs), is_leaf=_is_arrays)
            by_index = {node.index: node.values for node in nodes if _is_arrays(node)}
            leaves = [leaf for index in sorted(by_index) for leaf in by_index[index]]
            inside = Inside(key, leaves)
            if initialising is not None:
                initialising.stand_in(inside.modules, packed.modules())
            holes = jax.tree_util.tree_map(
                lambda node: Hole(node.index) if _is_arrays(node) else node,
                (args, kwargs),
                is_leaf=_is_arrays,
            )
            filled_args, filled_kwargs = inside.fill(holes)
            return Result(*inside.close(function(*filled_args, **filled_kwargs)))

        functools.update_wrapper(flat, self.function, updated=())
        transform_args, transform_kwargs = self.options
        transformed = self.transform(flat, *transform_args, **transform_kwargs)
        lifted_args, lifted_kwargs = jax.tree_util.tree_map(
            lambda leaf: Arrays(leaf.index, _values(packed, leaf.index)) if is_hole(leaf) else leaf,
            packed.arguments,
            is_leaf=is_hole,
        )
        return self._written(packed, transformed(*lifted_args, **lifted_kwargs))

    def _written(self, packed: Packed, output: Any) -> Any:
        leaves = jax.tree_util.tree_leaves(output, is_leaf=_is_result)
        results = list(filter(_is_result, leaves))
        if len(results) != 1:
            raise StructureError(
                self.name,
                expected="the transformed function to return the result of the function once",
                received=f"it {len(results)} times",
                fix="Lift transformations that call the function and return what it returns.",
            )
        value = commit(packed, results[0].payload, results[0].node.value)
        return jax.tree_util.tree_map(
            lambda leaf: value if _is_result(leaf) else leaf, output, is_leaf=_is_result
        )


def _values(packed: Packed, index: int) -> list[Any]:
    if len(packed.walks) == len(packed.roots):
        return packed.walks[index].values()
    return packed.leaves if index == 0 else []


def lift(transform: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """Make a transformation keep what modules change.

    Args:
        transform: takes a function (then `args` and `kwargs`) and returns a function of the same
            arguments, whose result contains the result of the first.
        args: further arguments of `transform`.
        kwargs: the same by name. Positions in them (`static_argnums`, `in_axes`) count all
            arguments, the `self` of a bound method included. What `transform` does to outputs it
            does to written fields too: under `jax.vmap` they come back stacked (`tx.vmap` knows
            better).

    Returns:
        A decorator for functions, methods in class bodies, bound methods and modules.

    Raises:
        StructureError: the transformed function does not return the function's result.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> from jax.experimental import checkify
        >>> class Mean(tx.Module):
        ...     total: jax.Array = tx.State.node(default=0.0)
        ...
        ...     def add(self, x):
        ...         checkify.check(x > 0, "x must be positive")
        ...         self.total += x
        >>> mean = Mean()
        >>> error, _ = tx.lift(checkify.checkify)(mean.add)(jnp.array(2.0))
        >>> error.get() is None, float(mean.total)
        (True, 2.0)
    """
    if is_module(transform) or not callable(transform):
        raise ArgumentError(
            "lift",
            expected="a transformation of functions, such as `checkify.checkify`",
            received=f"transform={describe(transform)}",
            fix="Pass the transformation first, then the function: `tx.lift(transform)(f)`.",
        )
    return lambda f: Lifted(transform, f, args, kwargs)


preserve_state = lift
"""Treex's name for `lift`."""
