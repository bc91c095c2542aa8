"""LayerList: layers in order, with names or without, that are changed in place.

What flows in: layers, `(name, layer)` pairs, mappings from names to layers. What is kept: a list
of layers, or a dict when they have names. What may mutate: that list, by the methods here; each of
them builds the new one, checks it as the constructor does, and puts it in place of the old one, so
a refused change changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self, TypeAlias, overload

from treexlite._core import Module
from treexlite._core._record import change_modes
from treexlite._errors import ArgumentError, describe, unknown_name

Entry: TypeAlias = tuple[str | None, Any]
"""A layer and its name; None for one without."""

Layers: TypeAlias = Iterable[Callable[..., Any] | tuple[str, Callable[..., Any]]]
"""Several layers: one after the other, or as pairs with their names. Mappings are taken too."""


class LayerList(Module):
    """Base of `Sequential` and `Parallel`: a list of layers, or a dict of them in order.

    A layer is reached by its position, or by its name as a key (`model["stem"]`) and, where the
    class has nothing of that name itself, as an attribute (`model.stem`). A new layer is lazy until
    the next `init`, which leaves the others as they are.
    """

    layers: Any  # undeclared: a list of modules is data, one of functions alone is structure

    def __init__(self, *layers: Any, **named: Any) -> None:
        self._set([*_entries(layers), *named.items()])

    def append(self, layer: Callable[..., Any], name: str | None = None) -> Self:
        """Put a layer at the end, and return this module."""
        return self._set([*self._entries(), (name, layer)])

    def extend(self, layers: Layers) -> Self:
        """Put several layers at the end, and return this module."""
        return self._set([*self._entries(), *_several(layers)])

    def insert(self, index: int, layer: Callable[..., Any], name: str | None = None) -> Self:
        """Put a layer before the position `index`, and return this module."""
        entries = self._entries()
        entries.insert(index, (name, layer))
        return self._set(entries)

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter([layer for _, layer in self._entries()])

    def __contains__(self, item: object) -> bool:
        """Whether there is a layer of that name, or this very layer."""
        return any(
            item == name if isinstance(item, str) else item is layer
            for name, layer in self._entries()
        )

    @overload
    def __getitem__(self, key: int | str) -> Any: ...

    @overload
    def __getitem__(self, key: slice) -> Self: ...

    def __getitem__(self, key: int | str | slice) -> Any:
        """Return one layer, or a part with several; the layers are shared, not copied."""
        entries = self._entries()
        if not isinstance(key, slice):
            return entries[self._position(key)][1]
        part = self._part(entries[key])
        change_modes(part, training=self.training, frozen=self.frozen)
        return part

    def __setitem__(self, key: int | str | slice, value: Any) -> None:
        """Replace one layer, or several; a new name is put at the end, as in a dict."""
        entries = self._entries()
        if isinstance(key, slice):
            entries[key] = _several(value)
        elif isinstance(key, str) and key not in self:
            entries.append((key, value))
        else:
            position = self._position(key)
            entries[position] = (entries[position][0], value)
        self._set(entries)

    def __delitem__(self, key: int | str | slice) -> None:
        """Take one layer out, or several."""
        entries = self._entries()
        del entries[key if isinstance(key, slice) else self._position(key)]
        self._set(entries)

    def __getattr__(self, name: str) -> Any:
        layers = self.__dict__.get("layers")
        if isinstance(layers, dict) and name in layers:
            return layers[name]
        return object.__getattribute__(self, name)  # raises, as it did before

    def __setattr__(self, name: str, value: Any) -> None:
        layers = self.__dict__.get("layers")
        taken = name in self.__dict__ or hasattr(type(self), name)
        if isinstance(layers, dict) and name in layers and not taken:
            self[name] = value
        else:
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name, _ in self._entries() if name)]

    def _part(self, entries: list[Entry]) -> Any:
        """Return a module like this one, with some of its layers."""
        raise NotImplementedError

    def _entries(self) -> list[Entry]:
        layers = self.layers
        return list(layers.items()) if isinstance(layers, dict) else [(None, x) for x in layers]

    def _set(self, entries: list[Entry]) -> Self:
        where = type(self).__name__
        for position, (name, layer) in enumerate(entries):
            _check_layer(where, repr(name) if name else str(position), layer)
        named = any(name is not None for name, _ in entries)
        if named:
            _check_names(where, [name for name, _ in entries])
        self.layers = dict(entries) if named else [layer for _, layer in entries]
        return self

    def _position(self, key: int | str) -> int:
        if not isinstance(key, str):
            return key
        names = [name for name, _ in self._entries() if name is not None]
        if key in names:
            return names.index(key)
        where = type(self).__name__
        if names:
            raise unknown_name(where, "a layer", key, names)
        raise ArgumentError(
            where,
            expected="a position, because the layers have no names",
            received=repr(key),
            fix=f"Name them all when you build it: `{where}(stem=..., head=...)`.",
        )


def pairs(entries: list[Entry]) -> list[Any]:
    """Return the entries as arguments of a constructor."""
    return [layer if name is None else (name, layer) for name, layer in entries]


def is_layer(value: Any) -> bool:
    """Whether `value` can be called on arrays: a module or a function, and not a class."""
    return callable(value) and not isinstance(value, type)


def described(layer: Any) -> str:
    """Render what was given in place of a layer."""
    return f"the class {layer.__name__}" if isinstance(layer, type) else f"a {type(layer).__name__}"


def _entries(layers: Iterable[Any]) -> list[Entry]:
    found: list[Entry] = []
    for layer in layers:
        if isinstance(layer, Mapping):
            found.extend(layer.items())
        elif isinstance(layer, tuple) and len(layer) == 2:
            found.append(layer)
        else:
            found.append((None, layer))
    return found


def _several(layers: Any) -> list[Entry]:
    if isinstance(layers, LayerList):
        return layers._entries()
    return _entries([layers] if isinstance(layers, Mapping) else layers)


def _check_layer(where: str, which: str, layer: Any) -> None:
    if not is_layer(layer):
        raise ArgumentError(
            where,
            expected=f"layer {which} to be a module or a function",
            received=described(layer),
            fix=f"Pass the layers one by one: `{where}(a, b)`, or `{where}(*layers)`.",
        )


def _check_names(where: str, names: list[Any]) -> None:
    for position, name in enumerate(names):
        if name is None:
            raise ArgumentError(
                where,
                expected="all layers to have names, or none",
                received=f"layer {position} without a name, among named ones",
                fix='Name it: `append(layer, name="head")`, or `("head", layer)` in a list.',
            )
        if not isinstance(name, str) or not name or "/" in name:
            raise ArgumentError(
                where,
                expected="a name to be a string that is not empty and has no `/`",
                received=f"name={describe(name)}",
                fix='Choose a name such as "head"; slashes separate the parts of paths.',
            )
        if name in names[:position]:
            raise ArgumentError(
                where,
                expected="every layer to have a name of its own",
                received=f"{name!r} twice",
                fix=f"Rename one of them, or replace the first: `model[{name!r}] = layer`.",
            )
