"""Other names for entries: how paths of a saved module become paths of another one.

In: `{old: new}` or a function, and the entries by their old paths. Out: the entries by their new
paths. Nothing is mutated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from treexlite._errors import ArgumentError

Rename: TypeAlias = "Mapping[str, str] | Callable[[str], str]"

_WILDCARDS = {"**/": "(?:(.*)/)?", "**": "(.*)", "*": "([^/]*)"}
_WILDCARD = re.compile(r"(\*\*|\*)")


def renamed(where: str, entries: Mapping[str, Any], rename: Rename | None) -> dict[str, Any]:
    """Return `entries` by their new paths.

    Args:
        where: the function that asks, for errors.
        entries: `{path: anything}`.
        rename: a function of the path, or `{old: new}`. A plain path stands for itself and all that
            is below it; `*` stands for one part of a path and `**` for any number of parts, and the
            new path repeats them in their order. The longest `old` that fits counts, and only it.

    Raises:
        ArgumentError: two entries get one name, or a new path has other wildcards than the old one.
    """
    if rename is None:
        return dict(entries)
    new_path = rename if callable(rename) else _Rules(where, rename)
    result: dict[str, Any] = {}
    for path, value in entries.items():
        new = new_path(path)
        if new in result:
            raise ArgumentError(
                where,
                expected="`rename` to give every entry a name of its own",
                received=f"two entries that become {new!r}",
                fix="Make the new names distinct.",
            )
        result[new] = value
    return result


class _Rules:
    """`{old: new}` as a function of a path."""

    def __init__(self, where: str, rules: Mapping[str, str]) -> None:
        self.rules = []
        for old in sorted(rules, key=len, reverse=True):
            new = rules[old]
            wildcards = _WILDCARD.findall(old)
            if wildcards != _WILDCARD.findall(new):
                raise ArgumentError(
                    where,
                    expected="the wildcards of an old path in its new path, in the same order",
                    received=f"rename={{{old!r}: {new!r}}}",
                    fix='Write for example `{"old/**": "new/**"}`, or pass a function.',
                )
            whole = (old, new) if wildcards else (f"{old}/**", f"{new}/**")
            self.rules.append((_pattern(whole[0]), whole[1]))

    def __call__(self, path: str) -> str:
        for pattern, new in self.rules:
            match = pattern.fullmatch(path)
            if match:
                return _filled(new, match.groups())
        return path


def _filled(new: str, groups: tuple[str | None, ...]) -> str:
    found = iter(groups)
    filled = _WILDCARD.sub(lambda _: next(found) or "", new)
    return "/".join(part for part in filled.split("/") if part)


def _pattern(old: str) -> re.Pattern[str]:
    old, below = (old[:-3], "(?:/(.*))?") if old.endswith("/**") else (old, "")
    split = re.split(r"(\*\*/|\*\*|\*)", old)
    parts = [_WILDCARDS.get(part) or re.escape(part) for part in split]
    return re.compile("".join(parts) + below)
