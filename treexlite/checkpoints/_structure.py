"""Trees as plain data with named arrays, and back as nested containers.

In: a module, or any tree of containers with modules, arrays and plain data. Out: a *node*, plain
data that say what the tree looks like, and `{name: array}`; the names are the paths that
`state_dict` has. Or in: a node and a function from names to arrays. Out: the same containers, with
a dict of its fields in place of each module. Nothing is mutated, and nothing is looked up by the
name of a class: a node is never more than its own data.

    {"array": name}                       an array
    {"value": data}                       plain data that stand as they are
    {"list": [...]}, {"tuple": [...]}     nodes of the elements
    {"dict": [[key, node], ...]}
    {"fields": {...}, "of": class}        a namedtuple or another PyTree
    {"fields": {...}, "of": class, "shared": true}        a dataclass
    {"fields": {...}, "module": class, "path": path, "static": {name: data}}
    {"again": n}                          the n-th module or mutable container, shared
    {"nothing": true}                     what a filter dropped
    {"opaque": name}                      a function or object that is part of a module's code
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax

from treexlite._core import _kinds
from treexlite._core._calls import lazy_fields
from treexlite._core._containers import items_of
from treexlite._core._kinds import Kind
from treexlite._core._layout import cycle, layout_of
from treexlite._core._nothing import Nothing
from treexlite._core._paths import join, key_path
from treexlite._core._registry import is_array, is_module
from treexlite._core._tree import fields
from treexlite._errors import ArgumentError, NotInitializedError, describe
from treexlite.checkpoints import _plain
from treexlite.checkpoints._nodes import ATOMS, is_shared

ROOT = "."
"""The name of an array that is the whole tree, where the path is empty."""


class Encoded(NamedTuple):
    """A tree, taken apart.

    Attributes:
        node: what it looks like.
        arrays: `{name: array}`.
        kinds: `{name: name of the kind}` of those in declared fields.
    """

    node: Any
    arrays: dict[str, Any]
    kinds: dict[str, str]


def encode(where: str, tree: Any, prefix: str = "") -> Encoded:
    """Take a tree apart.

    Args:
        where: the function that asks, for errors.
        tree: the tree.
        prefix: what the names of arrays begin with.

    Raises:
        ArgumentError: outside of modules, something is neither a container nor data; two arrays get
            one name.
        NotInitializedError: a module waits for `init`.
        CycleError: something contains itself.
    """
    encoder = _Encoder(where, prefix)
    node = encoder.visit(tree, prefix, in_module=False)
    kinds = {}
    for info in fields(tree):
        kind = _public_kind(info.kind)
        if kind is not None:
            kinds[join(prefix, info.path) if prefix else info.path] = kind
    return Encoded(node, encoder.arrays, {n: k for n, k in kinds.items() if n in encoder.arrays})


@contextmanager
def walkable(where: str) -> Iterator[None]:
    """Refuse a tree whose walk in the block comes to the end of Python's stack.

    Raises:
        ArgumentError: it does.
    """
    try:
        yield
    except RecursionError:
        raise ArgumentError(
            where,
            expected="a tree that Python can walk through",
            received="one that is nested too deeply",
            fix="Keep long chains in a list.",
        ) from None


def _public_kind(kind: type) -> str | None:
    """Return the name of the nearest kind of ours; users' own mean nothing in another program."""
    for base in kind.__mro__:
        name: str = base.__name__
        if issubclass(base, Kind) and vars(_kinds).get(name) is base:
            return name
    return None


def _is_flat(value: Any) -> bool:
    """Whether a list or tuple holds numbers and strings alone, which then stand as they are."""
    return type(value) in (list, tuple) and all(type(item) in ATOMS for item in value)


class _Encoder:
    """The recursion of `encode`."""

    def __init__(self, where: str, prefix: str) -> None:
        self.where, self.prefix = where, prefix
        self.arrays: dict[str, Any] = {}
        self.numbers: dict[int, int] = {}
        self.active: dict[int, str] = {}

    def visit(self, value: Any, path: str, in_module: bool) -> Any:
        if is_array(value):
            return self.visit_array(value, path)
        if value is Nothing:
            return {"nothing": True}
        if is_module(value):
            return self.visit_shared(value, path, self.visit_module)
        items = items_of(value)
        if items is not None and not _is_flat(value):
            mutable = isinstance(value, (list, dict)) or not isinstance(value, tuple)
            visit = self.visit_container_of_module if in_module else self.visit_container
            return self.visit_shared(value, path, visit) if mutable else visit(value, path)
        if _plain.is_plain(value):
            return {"value": value}
        leaves = jax.tree_util.tree_flatten_with_path(value)[0]
        if len(leaves) == 1 and leaves[0][1] is value:
            return self.visit_opaque(value, path, in_module)
        inner = {key_path(keys): leaf for keys, leaf in leaves}
        return self.visit_fields(value, path, inner.items(), in_module)

    def visit_array(self, value: Any, path: str) -> Any:
        name = path or ROOT
        if name in self.arrays:
            raise self.refused(
                "a path of its own for each array",
                f"two at {name!r}",
                "Rename the keys of the dict that print alike (`1` and `'1'`, or with a slash).",
            )
        self.arrays[name] = value
        return {"array": name}

    def visit_opaque(self, value: Any, path: str, in_module: bool) -> Any:
        if not in_module:
            raise self.refused(
                "arrays, modules, containers and plain data",
                f"{describe(value)} at `{path or 'the top'}`",
                "Leave it out, or convert it to plain data; nothing is ever pickled.",
            )
        return {"opaque": getattr(value, "__qualname__", type(value).__qualname__)}

    def refused(self, expected: str, received: str, fix: str) -> ArgumentError:
        return ArgumentError(self.where, expected=expected, received=received, fix=fix)

    def visit_shared(self, value: Any, path: str, visit: Callable[[Any, str], Any]) -> Any:
        if id(value) in self.active:
            raise cycle(type(value).__name__, self.active[id(value)], path)
        if id(value) in self.numbers:
            return {"again": self.numbers[id(value)]}
        self.numbers[id(value)] = len(self.numbers)
        self.active[id(value)] = path
        node = visit(value, path)
        del self.active[id(value)]
        return node

    def visit_module(self, module: Any, path: str) -> Any:
        waiting = lazy_fields(module)
        if waiting:
            raise NotInitializedError(
                self.where,
                expected="initialised modules",
                received=f"one in which `{join(path, waiting[0])}` is not created yet",
                fix="Call `model = model.init(key, inputs)` first.",
            )
        layout = layout_of(module)
        attributes = vars(module)
        return {
            "module": type(module).__qualname__,
            "path": path,
            "fields": {
                name: self.visit(attributes[name], join(path, name), in_module=True)
                for name in layout.nodes
            },
            "static": {n: v for n, v in layout.statics.items() if _plain.is_plain(v)},
        }

    def visit_container_of_module(self, value: Any, path: str) -> Any:
        return self.visit_container(value, path, in_module=True)

    def visit_container(self, value: Any, path: str, in_module: bool = False) -> Any:
        items = list(items_of(value) or ())
        if isinstance(value, dict):
            pairs = []
            for key, item in items:
                node = self.visit(item, join(path, key), in_module)
                pairs.append([self.dict_key(key, path), node])
            return {"dict": pairs}
        if type(value) in (list, tuple) or (isinstance(value, list)):
            nodes = [self.visit(item, join(path, i), in_module) for i, item in items]
            return {"tuple" if type(value) is tuple else "list": nodes}
        names = getattr(value, "_fields", None)  # of a namedtuple, where JAX takes names for keys
        if names is not None:
            items = [(name, getattr(value, name)) for name in names]
        node = self.visit_fields(value, path, items, in_module)
        return node if names is not None else {**node, "shared": True}

    def dict_key(self, key: Any, path: str) -> Any:
        if not _plain.is_plain(key):
            raise self.refused(
                "dict keys that are plain data",
                f"{describe(key)} at `{path or 'the top'}`",
                "Use strings or numbers as keys.",
            )
        return key

    def visit_fields(self, value: Any, path: str, items: Any, in_module: bool) -> Any:
        inner = {name: self.visit(item, join(path, name), in_module) for name, item in items}
        return {"of": type(value).__qualname__, "fields": inner}


def decode(node: Any, array: Callable[[str], Any]) -> Any:
    """Put a tree together again, with dicts in place of modules.

    Args:
        node: from `encode`.
        array: from the name of an array to the array, or to `Nothing`.

    Raises:
        ValueError: the node is malformed.
    """
    try:
        return _Decoder(array).visit(node)
    except (TypeError, KeyError, ValueError, IndexError, AttributeError) as error:
        raise ValueError(f"a tree that is malformed ({type(error).__name__}: {error})") from None
    except RecursionError:
        raise ValueError("a tree that is nested too deeply") from None


class _Decoder:
    """The recursion of `decode`."""

    def __init__(self, array: Callable[[str], Any]) -> None:
        self.array = array
        self.shared: list[Any] = []

    def visit(self, node: dict[str, Any]) -> Any:
        if "array" in node:
            return self.array(node["array"])
        if "value" in node:
            return node["value"]
        if "nothing" in node:
            return Nothing
        if "opaque" in node:
            return None
        if "again" in node:
            return self.shared[node["again"]]
        if "tuple" in node:
            return tuple([self.visit(item) for item in node["tuple"]])
        result: Any = [] if "list" in node else {}
        if "list" in node or "dict" in node or is_shared(node):
            self.shared.append(result)
        if "list" in node:
            result.extend(self.visit(item) for item in node["list"])
            return result
        pairs = node["dict"] if "dict" in node else node["fields"].items()
        for key, item in pairs:
            result[key] = self.visit(item)
        return result
