"""Parameters of an estimator that belong to its parts: `model__features=64`.

In: keyword arguments of `__init__` and `set_params` that begin with the name of a part and two
underscores. Out: the same through `get_params`, which is all that scikit-learn needs to copy an
estimator and to search over them; and `options`, what a part is built with. What mutates: the
attributes of the estimator, by `set_params`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Self

from sklearn.base import BaseEstimator

from treexlite._errors import ArgumentError, describe, unknown_name

PARTS = ("model", "loss", "optimizer", "fit")


def part_of(name: str) -> str | None:
    """Return the part that a parameter belongs to, or None when it is the estimator's own."""
    part, mark, rest = name.partition("__")
    return part if mark and rest and part in PARTS else None


class RoutedParameters(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator whose parts are built with options: `{part}__{option}`.

    Each one is an attribute under its full name, as the estimator's own parameters are.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all parameters, those of the parts included."""
        params: dict[str, Any] = super().get_params(deep)
        return params | {name: value for name, value in vars(self).items() if part_of(name)}

    def set_params(self, **params: Any) -> Self:
        """Change parameters, and return the estimator.

        Raises:
            ValueError: a name is neither a parameter of the estimator nor begins with the name of a
                part.
        """
        super().set_params(**{name: value for name, value in params.items() if not part_of(name)})
        self.__dict__.update({name: value for name, value in params.items() if part_of(name)})
        return self

    def options(self, part: str) -> dict[str, Any]:
        """Return what a part is built with, besides its defaults."""
        prefix = f"{part}__"
        mine = {name: value for name, value in vars(self).items() if name.startswith(prefix)}
        return {name.removeprefix(prefix): value for name, value in mine.items()}

    def _accept(self, options: Mapping[str, Any]) -> None:
        """Keep the keyword arguments of `__init__` that are for parts.

        Raises:
            UnknownNameError: one is not.
        """
        for name in options:
            if not part_of(name):
                own = type(self)._get_param_names()
                parts = [f"{part}__..." for part in PARTS]
                raise unknown_name(type(self).__name__, "a parameter", name, [*own, *parts])
        self.__dict__.update(options)


def takes(function: Any, name: str) -> bool:
    """Whether a function has an argument of that name."""
    return name in inspect.signature(function).parameters


def without_options(where: str, part: str, value: Any, options: Mapping[str, Any]) -> None:
    """Refuse options for a part that is already built.

    Raises:
        ArgumentError: there are some.
    """
    if options:
        name, option = next(iter(options.items()))
        raise ArgumentError(
            where,
            expected=f"`{part}` to be a name or what builds one, because it is given options",
            received=f"{part}={describe(value)}, {part}__{name}={option!r}",
            fix=f"Leave `{part}__{name}` out, or pass the class or a function as `{part}`.",
        )
