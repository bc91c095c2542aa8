"""Filters: ways to say which data is meant.

A filter is a kind (`tx.Parameter`: every field of that kind or a subclass), a path pattern
(`"encoder/**/kernel"`: `*` within one part of the path, `**` across parts), a predicate on
`FieldInfo`, `...` for everything, or a combination by `All`, `Any` and `Not`. Several filters given
side by side must all hold.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Hashable
from types import EllipsisType
from typing import TypeAlias

from treexlite._core._paths import FieldInfo
from treexlite._errors import ArgumentError, PathError, describe

Predicate: TypeAlias = Callable[[FieldInfo], bool]
Filter: TypeAlias = "type | str | Predicate | EllipsisType"


class All:
    """Holds where every one of `filters` holds; `All()` holds everywhere."""

    def __init__(self, *filters: Filter) -> None:
        self.filters = filters
        self._predicates = tuple(map(predicate, filters))
        keys = tuple(map(kind_key, filters))
        self.key = None if None in keys else (type(self), keys)

    def __call__(self, info: FieldInfo) -> bool:
        for holds in self._predicates:  # noqa: SIM110  (a hot path: a generator costs twice as much)
            if not holds(info):
                return False
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(_name, self.filters))})"


class Any(All):
    """Holds where at least one of `filters` holds; `Any()` holds nowhere."""

    def __call__(self, info: FieldInfo) -> bool:
        return any(holds(info) for holds in self._predicates)


class Not(All):
    """Holds where `filter` does not."""

    def __init__(self, filter: Filter) -> None:
        super().__init__(filter)

    def __call__(self, info: FieldInfo) -> bool:
        return not super().__call__(info)


def _name(filter_: Filter) -> str:
    return filter_.__name__ if isinstance(filter_, type) else repr(filter_)


class PathPattern:
    """The filter that a string stands for."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._regex = _compile(pattern)

    def __call__(self, info: FieldInfo) -> bool:
        return self._regex.fullmatch(info.path) is not None


_WILDCARDS = {"*": "[^/]*", "?": "[^/]"}


@functools.lru_cache(maxsize=1024)
def _compile(pattern: str) -> re.Pattern[str]:
    parts = pattern.strip("/").split("/")
    regex = ""
    for part in parts[:-1]:
        regex += "(?:.*/)?" if part == "**" else _part(part) + "/"
    return re.compile(regex + (".*" if parts[-1] == "**" else _part(parts[-1])))


def _part(part: str) -> str:
    return "".join(_WILDCARDS.get(character) or re.escape(character) for character in part)


def predicate(filter_: Filter) -> Predicate:
    """Turn one filter into a predicate on `FieldInfo`.

    Raises:
        ArgumentError: the value is not a filter.
    """
    if filter_ is ...:
        return lambda info: True
    if isinstance(filter_, type):
        kind = filter_
        return lambda info: issubclass(info.kind, kind)
    if isinstance(filter_, str):
        return PathPattern(filter_)
    if callable(filter_):
        return filter_
    raise ArgumentError(
        "filter",
        expected="a kind, a path pattern, a predicate on FieldInfo or `...`",
        received=describe(filter_),
        fix='Pass for example `tx.Parameter`, `"encoder/**"` or `lambda info: info.name == "w"`.',
    )


def kind_key(filter_: Filter) -> Hashable:
    """Return what filters that look at kinds alone have in common, or None for any other filter.

    Such a filter holds for a whole slot or for none of it, whatever data stands there.
    """
    if filter_ is ... or isinstance(filter_, type):
        return filter_
    if type(filter_) in (All, Any, Not):
        combined: All = filter_  # type: ignore[assignment]  # as just asked
        return combined.key
    return None


def check_patterns(where: str, filters: tuple[Filter, ...], infos: list[FieldInfo]) -> None:
    """Raise when a path pattern among `filters` matches none of `infos`.

    Raises:
        PathError: with the paths that come closest.
    """
    for filter_ in filters:
        if isinstance(filter_, All):
            check_patterns(where, filter_.filters, infos)
        elif isinstance(filter_, str) and not any(map(PathPattern(filter_), infos)):
            raise no_match(where, filter_, [info.path for info in infos])


def no_match(where: str, pattern: str, paths: list[str]) -> PathError:
    """Build the error for a pattern without a match."""
    shown = ", ".join(map(repr, paths[:8])) + (", ..." if len(paths) > 8 else "")
    return PathError(
        where,
        expected="a path pattern that matches at least one field",
        received=f"{pattern!r}, which matches none",
        fix=f"The paths here are {shown or 'none'}; use `*` within a part and `**` across parts.",
    )
