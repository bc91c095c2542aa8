"""Names that users write in place of objects: how one is made, and what it stands for.

What flows in: a string, such as `"mse"`. What flows out: a new object, or an error that lists the
close names. What may mutate: the table of a `Registry`, by `register`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from treexlite._errors import ArgumentError, describe, unknown_name

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def snake_case(name: str) -> str:
    """Return the name of a class as one writes a variable: `MeanSquaredError`, `KLDivergence`."""
    words = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return words.lower()


class Registry(Generic[T]):
    """A table from names to what makes an object.

    A name is found as it is written, and in snake case, so that the name of a class will do.

    Args:
        room: where it is asked, for errors: `"losses"`.
        what: what a name stands for, for errors: `"a loss"`.
        factories: `{name: class or function}`.
    """

    def __init__(self, room: str, what: str, factories: Mapping[str, Callable[..., T]]) -> None:
        self.room = room
        self.what = what
        self._factories = dict(factories)

    @property
    def names(self) -> list[str]:
        """Every name, sorted."""
        return sorted(self._factories)

    def find(self, name: str, where: str | None = None) -> Callable[..., T]:
        """Return what makes the object.

        Raises:
            UnknownNameError: nothing has that name; close ones are listed.
        """
        known = self._factories
        key = name if name in known else snake_case(str(name))
        if key not in known:
            raise unknown_name(where or f"{self.room}.get", self.what, str(name), known)
        return known[key]

    def get(self, name: str, **options: Any) -> T:
        """Make the object, with options by keyword.

        Raises:
            UnknownNameError: nothing has that name; close ones are listed.
            ArgumentError: it does not take these options.
        """
        factory = self.find(name)
        signature = inspect.signature(factory)
        try:
            signature.bind(**options)
        except TypeError as error:
            raise ArgumentError(
                f"{self.room}.get({name!r})",
                expected=f"options as in `{getattr(factory, '__name__', name)}{signature}`",
                received=f"{', '.join(options) or 'none'} ({error})",
                fix="Pass by keyword what the signature asks for, and nothing else.",
            ) from None
        return factory(**options)

    def register(self, name: str, factory: F, *, replace: bool = False) -> F:
        """Add a name, and return `factory`.

        Raises:
            ArgumentError: the name is taken, or `factory` cannot be called.
        """
        where = f"{self.room}.register"
        if not callable(factory):
            raise ArgumentError(
                where,
                expected=f"a class or function that makes {self.what}",
                received=describe(factory),
                fix="Pass the class itself, not an object of it: `register('mine', Mine)`.",
            )
        if name in self._factories and not replace:
            raise ArgumentError(
                where,
                expected="a name that is free",
                received=f"name={name!r}, which stands for {describe(self._factories[name])}",
                fix="Choose another name, or say `replace=True`.",
            )
        self._factories[name] = factory
        return factory
