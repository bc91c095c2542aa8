"""Exchanging layers of a model that exists: every `Linear` for something that computes alike.

In: a model, filters that choose layers, and what to make of each. Out: a copy of the model, or the
model itself, with the new layers at the places of the old. A layer that is shared is exchanged
once, and the new one is shared as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from treexlite._core import All, FieldInfo, Parameter, _tree
from treexlite._core._containers import form_of, needs_form
from treexlite._core._filters import Filter, check_patterns
from treexlite._core._layout import layout_of
from treexlite._core._paths import join
from treexlite._errors import ArgumentError, describe

M = TypeVar("M")


def exchange(
    where: str,
    model: M,
    filters: tuple[Filter, ...],
    cls: type[Any],
    make: Callable[[Any], Any],
    inplace: bool,
) -> M:
    """Replace the layers that compute what `cls` does, and whose `kernel` all `filters` hold for.

    Raises:
        PathError: a path pattern matches no `kernel`.
        ArgumentError: no layer is chosen; or the model itself is, and cannot be changed in place.
    """
    target = model if inplace else _tree.copy(model)
    chosen = _chosen(where, target, filters, cls)
    if inplace and any(layer is model for layer in chosen):
        raise ArgumentError(
            where,
            expected="a model with layers in it",
            received=f"the {cls.__name__} itself, with inplace=True",
            fix="Leave out `inplace=True` and use what is returned.",
        )
    new = {id(layer): _in_the_mode_of(layer, make(layer)) for layer in chosen}
    fields = [
        (member, name, vars(member)[name], _exchanged(vars(member)[name], new))
        for _, member in _tree.modules(target)
        for name in layout_of(member).nodes
    ]
    for member, name, old, value in fields:
        if value is not old:
            setattr(member, name, value)
    return _exchanged(target, new)  # type: ignore[no-any-return]  # of type M, or what it was made


def computes_like(module: Any, cls: type[Any]) -> bool:
    """Whether a module is a `cls`, or of a subclass that is called in the same way."""
    return isinstance(module, cls) and type(module).__call__ is cls.__call__


def _chosen(where: str, model: Any, filters: tuple[Filter, ...], cls: type[Any]) -> list[Any]:
    found: list[tuple[str, Any]] = list(_tree.modules(model))
    layers = [(path, module) for path, module in found if computes_like(module, cls)]
    infos = [
        FieldInfo(join(path, "kernel"), "kernel", Parameter, layer.kernel, layer)
        for path, layer in layers
    ]
    if infos:
        check_patterns(where, filters, infos)
    holds = All(*filters)
    chosen = [info.module for info in infos if holds(info)]
    if not chosen:
        raise ArgumentError(
            where,
            expected=f"a model with {cls.__name__} layers for whose `kernel` the filters hold",
            received=f"model={describe(model)}, in which there are none",
            fix="Print the model, or leave the filters out to see which layers there are.",
        )
    return chosen


def _in_the_mode_of(old: Any, new: Any) -> Any:
    new.train(old.training, inplace=True)
    return new.freeze(old.frozen, inplace=True)


def _exchanged(value: Any, new: dict[int, Any]) -> Any:
    """Return `value` with the modules in it replaced; itself where there is nothing to replace.

    Containers are remembered in `new` as modules are, so that those that were shared stay so.
    """
    if id(value) in new:
        return new[id(value)]
    form = form_of(value, True) if needs_form(value, True) else None
    if form is None:
        return value
    children = form.children(value)
    changed = [_exchanged(child, new) for child in children]
    if all(old is child for old, child in zip(children, changed, strict=True)):
        return value
    new[id(value)] = form.rebuild(changed)
    return new[id(value)]
