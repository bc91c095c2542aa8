"""What JAX refuses because it is no array, in the words of who wrote it.

In: the packed arguments of a call that JAX refused. Out: an error that names the field or the
argument, or None when all are arrays and the mistake is another one. Nothing is mutated.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from treexlite._core._paths import leaf_paths, places
from treexlite._core._registry import is_numeric
from treexlite._errors import NodeValueError, describe
from treexlite.transforms._pack import Packed

REFUSALS = ("as an abstract array", "not a valid JAX type")  # JAX's words


def explained(error: TypeError, function: Callable[..., Any], packed: Packed) -> Exception:
    """Return the error to raise for one of JAX's: a better one if there is one.

    Args:
        error: what was raised.
        function: the user's.
        packed: its arguments, without the static ones.
    """
    if isinstance(error, NodeValueError):
        return error
    refused = any(words in str(error) for words in REFUSALS)
    return _bad_field(packed) or (refused and _bad_argument(function, packed)) or error


def _bad_field(packed: Packed) -> NodeValueError | None:
    for found in packed.walks:
        for slot, value in zip(places(found.spec).slots, found.values(), strict=True):
            for path, leaf in leaf_paths(slot.path, value):
                if not is_numeric(leaf):
                    return NodeValueError(
                        "transformation",
                        expected=f"arrays in the field `{path}`, because it is declared as data",
                        received=f"{path}={describe(leaf)}",
                        fix="Keep it in a static field: `tx.static()`, or no declaration at all.",
                    )
    return None


def _bad_argument(function: Callable[..., Any], packed: Packed) -> NodeValueError | None:
    for name, argument in _named(function, packed):
        for path, leaf in leaf_paths(name, argument):
            if not is_numeric(leaf):
                alone = name.isidentifier()
                how = f"`static_argnames={name!r}`" if alone else "its place in `static_argnums=`"
                return NodeValueError(
                    "jit",
                    expected=f"arrays and modules in the argument `{name}`",
                    received=f"{path}={describe(leaf)}",
                    fix=f"If it belongs to the program, give `tx.jit` {how}"
                    " (it is compiled again for each value), or let the function close over it.",
                )
    return None


def _named(function: Callable[..., Any], packed: Packed) -> Iterator[tuple[str, Any]]:
    """Yield the arguments with their names, or places like `args[1]`; static ones are None."""
    args, kwargs = packed.arguments
    names = _positional(function)
    for place, argument in enumerate(args):
        yield names[place] if place < len(names) else f"args[{place}]", argument
    yield from kwargs.items()


def _positional(function: Callable[..., Any]) -> list[str]:
    """Return the names of the positional arguments that have one of their own."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin: nobody knows
        return []
    own = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in own]
