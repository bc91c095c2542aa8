"""Which arrays of a model belong to which names, for given rules.

What flows in: the arrays of a model by their paths, and rules. What flows out: `Match`es, in which
every path and name is spelled out. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from treexlite._errors import ArgumentError
from treexlite.interop.torch._layouts import Arrays, Link
from treexlite.interop.torch._rules import STACKED, Rules, filled, pattern


@dataclass(frozen=True)
class Match:
    """Arrays of a model that are found under certain names.

    Attributes:
        link: how they correspond.
        paths: of ours.
        leaves: of ours.
        templates: their names, with `#` for the number of a layer.
    """

    link: Link
    paths: tuple[str, ...]
    leaves: tuple[Any, ...]
    templates: tuple[str, ...]

    @property
    def depth(self) -> int | None:
        """How many layers are stacked; None when it is a layer by itself."""
        if not any(STACKED in name for name in self.templates):
            return None
        return int(self.leaves[0].shape[0])

    def names(self, number: int | None = None) -> tuple[str, ...]:
        """Return the names for one of the layers, or for the only one."""
        if number is None:
            return self.templates
        return tuple(name.replace(STACKED, str(number)) for name in self.templates)

    @property
    def numbers(self) -> tuple[int | None, ...]:
        """The numbers of the layers."""
        return (None,) if self.depth is None else tuple(range(self.depth))

    def back(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """Return theirs of our arrays."""
        found: dict[str, np.ndarray] = {}
        for number in self.numbers:
            parts = arrays if number is None else tuple(a[number] for a in arrays)
            found.update(zip(self.names(number), self.link.back(parts), strict=True))
        return found

    def into(self, theirs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return our arrays of theirs, which have the right shapes."""
        shapes = tuple(tuple(leaf.shape) for leaf in self.leaves)
        if self.depth is None:
            parts = self.link.into(tuple(theirs[name] for name in self.names()), shapes)
            return dict(zip(self.paths, parts, strict=True))
        below = tuple(shape[1:] for shape in shapes)
        layers = [
            self.link.into(tuple(theirs[name] for name in self.names(number)), below)
            for number in self.numbers
        ]
        stacked = [np.stack(parts) for parts in zip(*layers, strict=True)]
        return dict(zip(self.paths, stacked, strict=True))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that theirs have."""
        empty = tuple(
            np.broadcast_to(np.zeros((), np.float32), leaf.shape) for leaf in self.leaves
        )  # views of one number: the kernels themselves are not needed
        return {name: array.shape for name, array in self.back(empty).items()}


def match(
    where: str, leaves: Mapping[str, Any], rules: Rules
) -> tuple[list[Match], set[str], list[str]]:
    """Find out which arrays belong to which names.

    Returns:
        What was found, the names that are of no use, and the paths that no rule has.

    Raises:
        ArgumentError: a layer has only some of the arrays that a rule treats together, or two
            arrays get one name.
    """
    groups: dict[tuple[str, int, tuple[str, ...]], dict[str, str]] = {}
    entries = rules.entries
    keys = [
        (pattern("/".join(filter(None, (path, end)))), path, number, end)
        for path, layout in sorted(entries.items(), key=lambda entry: -len(entry[0]))
        for number, link in enumerate(layout.links)
        for end in link.ours
    ]
    left, unused = [], set()
    for path in leaves:
        for fits, rule, number, end in keys:
            if (found := fits.fullmatch(path)) is not None:
                groups.setdefault((rule, number, found.groups()), {})[end] = path
                unused |= {filled(name, found.groups()) for name in entries[rule].unused}
                break
        else:
            left.append(path)
    matches = []
    for (rule, number, stars), ends in groups.items():
        link = entries[rule].links[number]
        _check_whole(where, rule, link, ends)
        paths = tuple(ends[end] for end in link.ours)
        names = tuple(filled(name, stars) for name in link.theirs)
        matches.append(Match(link, paths, tuple(leaves[path] for path in paths), names))
    _check_names(where, matches)
    return matches, unused, left


def _check_whole(where: str, rule: str, link: Link, ends: Mapping[str, str]) -> None:
    lacking = [end for end in link.ours if end not in ends]
    if lacking:
        raise ArgumentError(
            where,
            expected=f"{', '.join(link.ours)} at {rule!r}, which are one array of theirs",
            received=f"a model without {', '.join(lacking)}",
            fix="Write a rule of its own for each array.",
        )


def _check_names(where: str, matches: list[Match]) -> None:
    first: dict[str, Match] = {}
    for found in matches:
        for name in found.templates:
            other = first.setdefault(name, found)
            if other is not found:
                raise ArgumentError(
                    where,
                    expected="a name of its own for each array",
                    received=f"{name!r} for {other.paths[0]!r} and {found.paths[0]!r}",
                    fix="Let the blanks of the name tell the layers apart.",
                )
