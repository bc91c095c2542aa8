"""Makes links to the reference of the names of treexlite that a text mentions.

The first `tx.name` in code font of each section becomes a link, and so does, in the guides, the
name of a class alone, if only one room has it. Where a link leads is looked up when all pages are
known; a name that the reference does not have stays as it is.
"""

import re
from bisect import bisect
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import treexlite as tx

ROOMS = ("nn", "losses", "metrics", "callbacks", "regularizers", "constraints")
SECTION = re.compile(r"(?m)^(?=## )")
FENCE = re.compile(r"(?ms)^ *```.*?^ *```$")
NAME = re.compile(r"(?<![\[`])`(?P<said>(?:tx\.)?(?P<name>[A-Za-z][\w.]*))`(?!\])")
HEADING = re.compile(r"(?m)^#.*$")
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\([^)]*\)")
NONE: Mapping[str, str] = MappingProxyType({})


def classes() -> dict[str, str]:
    """Return the classes that one room alone has: their names, and their names with the room."""
    found = [
        (name, f"{room}.{name}")
        for room in ROOMS
        for name in getattr(tx, room).__all__
        if isinstance(getattr(getattr(tx, room), name), type)
    ]
    found += [(name, name) for name in tx.__all__ if isinstance(getattr(tx, name), type)]
    times = Counter(name for name, _ in found)
    return {name: full for name, full in found if times[name] == 1}


def link_names(text: str, alone: Mapping[str, str] = NONE) -> str:
    """Return Markdown in which names of treexlite, outside code, headings and links, are links.

    Args:
        text: a page or a docstring.
        alone: names that are links without `tx.` too, and what they mean.
    """
    fences = [match.span() for match in FENCE.finditer(text)]
    kept = fences + [m.span() for pattern in (HEADING, LINK) for m in pattern.finditer(text)]
    sections = [m.start() for m in SECTION.finditer(text) if not _inside(m.start(), fences)]
    seen: set[tuple[int, str]] = set()

    def link(found: re.Match[str]) -> str:
        said, name = found["said"], found["name"]
        full = name if said.startswith("tx.") else alone.get(name)
        if full is None or _inside(found.start(), kept):
            return found[0]
        place = bisect(sections, found.start()), full
        if place in seen:
            return found[0]
        seen.add(place)
        return f'<autoref optional identifier="treexlite.{full}"><code>{said}</code></autoref>'

    return NAME.sub(link, text)


def _inside(place: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)
