"""What functions with derivatives of their own have in common.

Their rules take every argument by position and return arrays; so does what is handed to JAX.
"""

from __future__ import annotations

import inspect
from typing import Any

from treexlite._core._paths import places
from treexlite._errors import ArgumentError, ContextError, StructureError
from treexlite.transforms._callable import Transform
from treexlite.transforms._lift import Effect, Inside
from treexlite.transforms._pack import Packed
from treexlite.transforms._static_arguments import StaticArguments, Statics


def closed(where: str, inside: Inside, value: Any) -> Any:
    payload, node = inside.close(value)
    if node.value.spec is not None:
        raise StructureError(
            where,
            expected="a rule that returns arrays and keeps the structure of its modules",
            received="a module in its output, or another structure afterwards",
            fix="Return arrays, and count in `tx.State` fields.",
        )
    return payload, node


class Written:
    """What the function itself writes, once it is known; its rule has to write the same.

    JAX traces the function before its rule where both become part of one program, as in a loop.
    Elsewhere only one of them runs, and there is nothing to compare.
    """

    def __init__(self, where: str, packed: Packed) -> None:
        self.where = where
        self.paths = [slot.path for spec in packed.specs for slot in places(spec).slots]
        self.effect: Effect | None = None

    def check(self, effect: Effect) -> None:
        """Compare with what the rule writes.

        Raises:
            StructureError: it writes other fields.
        """
        if self.effect is None or effect.consumed == self.effect.consumed:
            return
        raise StructureError(
            self.where,
            expected=f"the rule to write to the fields that the function writes to"
            f" ({self._named(self.effect)})",
            received=f"a rule that writes to {self._named(effect)}",
            fix="Let the rule change its modules as the function does, for example by calling it.",
        )

    def _named(self, effect: Effect) -> str:
        return ", ".join(f"`{self.paths[n]}`" for n in effect.consumed) or "none"


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
