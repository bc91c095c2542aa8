"""Static arguments: those that are part of the program, compared by content.

In: a function, and which of its arguments are static, by position or by name. Out: for each call
the arguments without them, and a hashable tuple of `(place, Static)`; `restore` puts the values
back inside the transformation. Nothing is mutated: the function gets copies of lists and dicts.

A module is never static: its arrays would become constants, and a change of it would go unseen.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from treexlite._core._carried import carried_module
from treexlite._core._registry import is_tracer
from treexlite._core._statics import Static, fresh
from treexlite._errors import ArgumentError, describe

Statics: TypeAlias = "tuple[tuple[int | str, Static], ...]"
"""For each static argument its position or name, and its value."""


class StaticArguments:
    """Which arguments of a function are static.

    Args:
        where: the name of the transformation, for errors.
        function: the plain function, which takes the known arguments too.
        argnums: positions as the user counts them: without the known arguments.
        argnames: names. Positions and names complete each other, as in `jax.jit`.
        num_known: how many positional arguments are known already, such as `self`.

    Raises:
        ArgumentError: the function has no such argument.
    """

    def __init__(
        self,
        where: str,
        function: Callable[..., Any],
        argnums: int | Sequence[int] | None,
        argnames: str | Sequence[str] | None,
        num_known: int,
    ) -> None:
        self.where = where
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums or ())
        names = (argnames,) if isinstance(argnames, str) else tuple(argnames or ())
        positions = [n + num_known if n >= 0 else n for n in numbers]
        self.positions, self.names = self._complete(function, positions, names)

    def __bool__(self) -> bool:
        return bool(self.positions or self.names)

    def _complete(
        self, function: Callable[..., Any], positions: Sequence[int], names: Sequence[str]
    ) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Complete positions by names and names by positions, from the function's signature."""
        if not positions and not names:
            return (), ()
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # a builtin: nothing to complete from
            return tuple(positions), tuple(names)
        kinds = {p.kind for p in parameters}
        order = [
            p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        if inspect.Parameter.VAR_POSITIONAL not in kinds:
            for n in positions:
                if not -len(order) <= n < len(order):
                    raise self._missing(f"static_argnums={n}", order)
            positions = [n % len(order) for n in positions]
        known = {p.name for p in parameters}
        for name in names:
            if name not in known and inspect.Parameter.VAR_KEYWORD not in kinds:
                raise self._missing(f"static_argnames={name!r}", order)
        named = [order[n] for n in positions if 0 <= n < len(order)]
        placed = [order.index(name) for name in names if name in order]
        return tuple(sorted({*positions, *placed})), tuple(dict.fromkeys([*names, *named]))

    def _missing(self, received: str, order: list[str]) -> ArgumentError:
        return ArgumentError(
            self.where,
            expected=f"static arguments to be among those of the function ({', '.join(order)})",
            received=received,
            fix="Positions count from 0, without the `self` of a bound method.",
        )

    def split(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any], Statics]:
        """Return the arguments with None for static positions, and the statics.

        Raises:
            ArgumentError: a static argument is traced, holds a module, or has no hash.
        """
        positions = sorted({n % len(args) for n in self.positions if -len(args) <= n < len(args)})
        statics: list[tuple[int | str, Static]] = [(n, self._static(n, args[n])) for n in positions]
        statics += [(k, self._static(k, kwargs[k])) for k in self.names if k in kwargs]
        dynamic = tuple([None if n in positions else arg for n, arg in enumerate(args)])
        named = {k: v for k, v in kwargs.items() if k not in self.names}
        return dynamic, named, tuple(statics)

    def _static(self, place: int | str, value: Any) -> Static:
        carried = carried_module(value)
        if carried is not None:
            expected, fix = "to hold no module", "Pass the module as an ordinary argument."
        elif is_tracer(value):
            expected, fix = "to be known while tracing", "Do not declare this argument static."
        else:
            try:
                static = Static(value)
                hash(static)
                return static
            except Exception as error:
                fix = f"Pass a value that can be compared ({type(error).__name__}: {error})."
                expected = "to be compared by content"
        name = f"`{place}`" if isinstance(place, str) else str(place)
        raise ArgumentError(
            self.where,
            expected=f"static argument {name} {expected}",
            received=describe(value) if carried is None else f"a {type(carried).__name__} in it",
            fix=fix,
        )


def restore(arguments: Any, statics: Statics) -> tuple[Any, dict[str, Any]]:
    """Put static arguments back into `(args, kwargs)`."""
    args, kwargs = arguments
    if statics:
        args, kwargs = list(args), dict(kwargs)
        for place, static in statics:
            target: Any = kwargs if isinstance(place, str) else args
            target[place] = fresh(static.value)
    return args, kwargs
