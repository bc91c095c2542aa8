"""Names of what a collection holds: one for each, and none twice.

In: one item, or lists and dicts of them, nested as one likes. Out: a flat dict. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, TypeVar

from treexlite._errors import ArgumentError, describe

T = TypeVar("T")


def named(
    where: str, items: Any, is_item: Callable[[Any], bool], name_of: Callable[[Any], str], what: str
) -> dict[str, Any]:
    """Return `{name: item}` of all items.

    An item in a dict is called by its key, one in a list or by itself by its own name; keys of
    outer dicts come before it, with slashes. A name that is taken gets a number: `accuracy`,
    `accuracy_1`.

    Args:
        where: the class that an error names.
        items: one item, or dicts, lists and tuples of them.
        is_item: whether something is an item.
        name_of: its own name.
        what: what an item is, for errors: "a metric".

    Raises:
        ArgumentError: something is no item, there is none, or one with data is there twice.
    """
    found: dict[str, Any] = {}
    for name, item in _pairs(where, items, is_item, name_of, what, ""):
        if any(item is other for other in found.values()) and hasattr(item, "reset"):
            raise ArgumentError(
                where,
                expected="objects of its own under each name",
                received=f"the same {describe(item)} twice, the second time as {name!r}",
                fix="Build it twice: a shared one would count every batch twice.",
            )
        found[unique(name, found)] = item
    if not found:
        raise ArgumentError(
            where,
            expected=f"{what}, or dicts and lists of them",
            received=describe(items),
            fix="Pass at least one.",
        )
    return found


def _pairs(
    where: str,
    items: Any,
    is_item: Callable[[Any], bool],
    name_of: Callable[[Any], str],
    what: str,
    prefix: str,
) -> Iterator[tuple[str, Any]]:
    if is_item(items):
        yield prefix + name_of(items), items
    elif isinstance(items, Mapping):
        for key, value in items.items():
            if is_item(value):
                yield f"{prefix}{key}", value
            else:
                yield from _pairs(where, value, is_item, name_of, what, f"{prefix}{key}/")
    elif isinstance(items, (list, tuple)):
        for value in items:
            yield from _pairs(where, value, is_item, name_of, what, prefix)
    else:
        raise ArgumentError(
            where,
            expected=f"{what}, or dicts and lists of them",
            received=describe(items),
            fix=f"Pass objects; one with a name is found by `tx.{where.lower()}.get(name)`.",
        )


def unique(name: str, taken: Container[str]) -> str:
    """Return the name, with the first free number when it is taken."""
    number, free = 0, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def flat(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by name, where a value may be a dict of values: `{"a": {"b": x}}` is `a/b`."""
    found: dict[str, Any] = {}
    for name, value in logs.items():
        parts = flat(value) if isinstance(value, Mapping) else {"": value}
        for part, number in parts.items():
            found[unique(f"{name}/{part}" if part else name, found)] = number
    return found
