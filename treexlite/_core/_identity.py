"""Which copy stands for which of the user's objects.

In: the modules and mutable containers of a copied graph, before a function runs and after. Out: an
`Origin`, pure structure: for each object afterwards the one it was copied from. `Origin.own` turns
it into the user's own objects, so that a list that was moved, emptied or filled is still that list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from treexlite._core._containers import items_of
from treexlite._core._layout import layout_of
from treexlite._core._statics import is_refillable, static_key


class Inner(NamedTuple):
    """A container that held no module, as an element of one that did."""

    container: int
    key: Any


Place: TypeAlias = "int | tuple[int, str] | Inner"
"""A container of modules, by its number, or a static one, by module number and attribute."""


class Own(NamedTuple):
    """The user's own objects, under the numbers of the structure that is written back.

    Attributes:
        modules: by module number.
        containers: by container number.
        statics: by module number and attribute: the object, and whether its content changed.
    """

    modules: dict[int, Any]
    containers: dict[int, Any]
    statics: dict[tuple[int, str], tuple[Any, bool]]


class Origin(NamedTuple):
    """For each object of a structure where it was before, or None for a new one.

    Attributes:
        modules: for each module its number before.
        containers: for each container that holds modules its place before.
        statics: for each static container its place before, and whether its content changed.
    """

    modules: tuple[int | None, ...]
    containers: tuple[Place | None, ...]
    statics: dict[tuple[int, str], tuple[Place, bool]]

    def own(self, modules: Sequence[Any], containers: Sequence[Any]) -> Own:
        """Return the user's objects, given those of the structure before."""

        def at(place: Place) -> Any:
            if isinstance(place, int):
                return containers[place]
            if isinstance(place, Inner):
                return dict(items_of(containers[place.container]) or ())[place.key]
            number, name = place
            return vars(modules[number])[name]

        return Own(
            {new: modules[old] for new, old in enumerate(self.modules) if old is not None},
            {new: at(place) for new, place in enumerate(self.containers) if place is not None},
            {key: (at(place), changed) for key, (place, changed) in self.statics.items()},
        )


class Copies:
    """The objects of a copied graph, remembered before a function runs on them."""

    def __init__(self, modules: Sequence[Any], containers: Sequence[Any]) -> None:
        self.modules = modules
        self.layouts = [layout_of(module) for module in modules]
        self.numbers = {id(module): number for number, module in enumerate(modules)}
        self.statics = dict(_static_containers(modules))
        self.places: dict[int, Place] = {id(value): key for key, value in self.statics.items()}
        for number, container in enumerate(containers):
            for key, item in items_of(container) or ():
                if is_refillable(item):
                    self.places[id(item)] = Inner(number, key)
        self.places.update((id(value), number) for number, value in enumerate(containers))
        self.kept = list(containers)  # an id means something only while its object lives

    def origin(self, modules: Sequence[Any], containers: Sequence[Any]) -> Origin:
        """Compare with the modules and containers that are there now."""
        statics = {}
        for key, value in _static_containers(modules):
            place = self.places.get(id(value))
            if place is not None:
                statics[key] = (place, self._changed(place, value))
        return Origin(
            tuple(self.numbers.get(id(module)) for module in modules),
            tuple(self.places.get(id(value)) for value in containers),
            statics,
        )

    def _changed(self, place: Place, value: Any) -> bool:
        if not isinstance(place, tuple) or isinstance(place, Inner):
            return True  # it stood elsewhere
        number, name = place
        return static_key(self.layouts[number].statics[name]) != static_key(value)

    def unchanged(self, containers: Sequence[Any]) -> Own:
        """Return these very objects as the user's own."""
        return Own(
            dict(enumerate(self.modules)),
            dict(enumerate(containers)),
            {key: (value, False) for key, value in self.statics.items()},
        )


def _static_containers(modules: Sequence[Any]) -> Any:
    for number, module in enumerate(modules):
        attributes = vars(module)
        for name in layout_of(module).volatile:
            if is_refillable(attributes[name]):
                yield (number, name), attributes[name]
