"""What functions with derivatives of their own have in common.

Their rules take every argument by position and return arrays; so does what is handed to JAX.
"""

from __future__ import annotations

import inspect
from typing import Any

from treexlite._errors import ArgumentError, ContextError, StructureError
from treexlite.transforms._callable import Transform
from treexlite.transforms._lift import Inside
from treexlite.transforms._static_arguments import StaticArguments, Statics


def closed(where: str, inside: Inside, value: Any) -> Any:
    payload, node = inside.close(value)
    if node.effect.spec is not None:
        raise StructureError(
            where,
            expected="a rule that returns arrays and keeps the structure of its modules",
            received="a module in its output, or another structure afterwards",
            fix="Return arrays, and count in `tx.State` fields.",
        )
    return payload, node


def no_rule(custom: Transform, call: str) -> ContextError:
    name = getattr(custom, "__name__", "f")
    return ContextError(
        custom.name,
        expected="a rule before the first call",
        received="no rule",
        fix=f"Call `{name}.{call}`.",
    )


def positional(
    custom: Transform, static: StaticArguments, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], Statics]:
    """Put keyword arguments into their positions, and take static ones out."""
    if kwargs:
        bound = inspect.signature(custom.function).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise ArgumentError(
                custom.name,
                expected="arguments that can be passed by position",
                received=f"keyword-only {', '.join(map(repr, bound.kwargs))}",
                fix="A rule gets its arguments by position: drop the `*` in the signature.",
            )
        args = bound.args
    dynamic, _, statics = static.split(args, {})
    return dynamic, statics
