"""Which sizes of the inputs can be any: from the words of the user to JAX's symbolic shapes.

In: example inputs as trees of `jax.ShapeDtypeStruct`, and `shapes` and `constraints` in the
notation of `jax.export.symbolic_shape`. Out: the same trees with symbolic sizes. Nothing is
mutated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jax
from jax import export as jax_export

from treexlite._errors import ArgumentError, describe

_FUNCTIONS = {"floordiv", "max", "min", "mod"}  # in formulas of sizes


def symbolic(inputs: tuple[Any, ...], shapes: Any, constraints: Sequence[str]) -> tuple[Any, ...]:
    """Return `inputs` with symbolic sizes.

    Args:
        inputs: for each argument a tree of `jax.ShapeDtypeStruct`.
        shapes: None, one text for all arrays, or a tuple with a text, None or tree for each
            argument. Arrays without axes are left out of it.
        constraints: what holds for the sizes, such as `"time <= 512"`.

    Raises:
        ArgumentError: that is no notation of shapes, or does not fit the inputs.
    """
    try:
        if not isinstance(constraints, (list, tuple)):
            raise TypeError("`constraints` is no list of texts")
        words = _words(inputs, shapes)
        found: tuple[Any, ...] = jax_export.symbolic_args_specs(
            inputs, words, constraints=tuple(constraints)
        )
        _require_ranks(inputs, found)
        _require_known(found, constraints)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            "export",
            expected="`shapes` and `constraints` as in `jax.export.symbolic_args_specs`",
            received=f"shapes={describe(shapes)}, constraints={describe(constraints)} ({error})",
            fix='For example `shapes="batch, ..."`, or `("batch, time", "batch")` for two inputs,'
            ' with `constraints=["time <= 512"]`.',
        ) from None
    return found


def _require_ranks(inputs: tuple[Any, ...], found: tuple[Any, ...]) -> None:
    pairs = zip(*map(jax.tree_util.tree_leaves, (inputs, found)), strict=True)
    wrong = [(spec, given) for given, spec in pairs if len(given.shape) != len(spec.shape)]
    if wrong:
        spec, given = wrong[0]
        raise ValueError(f"{len(spec.shape)} sizes for an input of shape {given.shape}")


def _require_known(inputs: tuple[Any, ...], constraints: Sequence[str]) -> None:
    """Check that constraints speak of sizes that are there, which JAX does much later."""
    sizes = {str(size) for spec in jax.tree_util.tree_leaves(inputs) for size in spec.shape}
    known = set().union(*map(_names, sizes))
    for constraint in constraints:
        if not _names(constraint) <= known:
            there = ", ".join(sorted(known)) or "none"
            raise ValueError(f"{constraint!r} speaks of other sizes than {there}")


def _names(formula: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", formula)) - _FUNCTIONS


def _words(inputs: tuple[Any, ...], shapes: Any) -> tuple[Any, ...]:
    if shapes is None or isinstance(shapes, str):
        shapes = (shapes,) * len(inputs)
    if not isinstance(shapes, tuple) or len(shapes) != len(inputs):
        raise ValueError(f"that is no tuple with an entry for each of {len(inputs)} inputs")
    return tuple(map(_words_of_one, inputs, shapes))


def _words_of_one(tree: Any, shape: Any) -> Any:
    """Repeat one text for all arrays of an input; those without axes have no size to choose."""
    if shape is not None and not isinstance(shape, str):
        return shape
    word = "..." if shape is None else shape
    return jax.tree_util.tree_map(lambda leaf: word if leaf.shape else "...", tree)
