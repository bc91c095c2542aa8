"""Module classes: how they are made, and how JAX sees their instances.

In: class bodies. Out: classes registered with JAX under key paths, with their fields collected and
their `__call__` wrapped. Flattening a module is one `itemgetter` over its `__dict__`; its structure
is the interned `Layout`, compared by identity.
"""

from __future__ import annotations

import inspect
import types
from typing import Any

import jax

from treexlite._context import FRAME, entered
from treexlite._core import _fields
from treexlite._core._calls import doorway
from treexlite._core._containers import Box
from treexlite._core._layout import Layout, layout_of, note_watched
from treexlite._core._lazy import PENDING
from treexlite._core._lost import close
from treexlite._core._record import Record, instantiate, unflattened_versions
from treexlite._core._registry import MODULE_TYPES
from treexlite._core._treeo import Tree, TreeMeta
from treexlite._errors import FieldError

_bodies: dict[type, dict[str, Any]] = {}
_DUNDERS = ("__eq__", "__hash__", "__repr__")
"""What a dataclass decorator would replace: modules compare by identity and print themselves."""


class ModuleMeta(TreeMeta):
    """The metaclass of modules: makes instances, and answers constructors in compact methods."""

    def __call__(cls: Any, *args: Any, **kwargs: Any) -> Any:
        frame = FRAME.get()
        if frame is not None and frame.compact is not None:

            def make() -> Any:
                with entered(frame.module):  # what `__init__` constructs is not inline
                    return cls._make(args, kwargs)

            return frame.compact.construct(cls, args, kwargs, make)
        return cls._make(args, kwargs)

    @property
    def __signature__(cls) -> inspect.Signature:
        init = inspect.signature(cls.__init__)  # type: ignore[misc]
        return init.replace(parameters=list(init.parameters.values())[1:])

    def construct(cls, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Fill a new object: defaults first, then `__init__`."""
        fields = obj._tx_fields
        obj.__dict__.update(dict.fromkeys(fields.nodes, PENDING))
        for name, value in fields.defaults.items():
            setattr(obj, name, value)
        for name, make in fields.factories.items():
            setattr(obj, name, make())
        obj.__init__(*args, **kwargs)
        return obj


class Registered(Record):
    """Prepares every class below it when it is defined.

    It stands before treeo's `Tree` in the MRO and passes it by: treeo's hook would register the
    class without key paths, and a registration cannot be taken back.
    """

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the fields, wrap `__call__`, and register the class with JAX."""
        super(Tree, cls).__init_subclass__(**kwargs)
        _prepare_class(cls)


def flatten(module: Any) -> tuple[Any, Layout]:
    """Return the values of the module's data fields, and its structure."""
    layout = module._tx_layout
    if layout is None:
        close(module)
    if layout is None or layout.watch:
        layout = layout_of(module)
    children = layout.get(module.__dict__)
    if layout.boxed:
        children = _box(module, layout, children)
    return children, layout


def flatten_with_keys(module: Any) -> tuple[Any, Layout]:
    """Like `flatten`, with a JAX key beside each value."""
    children, layout = flatten(module)
    return tuple(zip(layout.keys, children, strict=True)), layout


def _box(module: Any, layout: Layout, children: Any) -> list[Any]:
    """Put containers that JAX could not handle into boxes; the same ones while nothing changes."""
    watched = getattr(module, "_tx_watched", None)
    known = getattr(module, "_tx_boxes", None)
    if known is None or watched is None or known[0] is not watched:
        attributes, declared = module.__dict__, layout.declared
        boxes = {name: Box(attributes[name], name in declared) for name in layout.boxed}
        known = module._tx_boxes = (watched, boxes)
    return list(map(known[1].get, layout.nodes, children))


def unflatten(layout: Layout, children: Any) -> Any:
    """Make a module from its structure and the values of its data fields."""
    module = instantiate(layout, unflattened_versions)
    attributes = module.__dict__
    attributes.update(layout.template)
    attributes.update(zip(layout.nodes, children))  # noqa: B905  (a hot path; JAX has counted)
    if layout.volatile:
        layout.freshen(module)
    boxes = _unbox(layout, attributes) if layout.boxed else None
    if layout.watch:
        note_watched(module, layout, boxes)
        if boxes is not None:
            module._tx_boxes = (module._tx_watched, boxes)
    return module


def _unbox(layout: Layout, attributes: dict[str, Any]) -> dict[str, Box] | None:
    """Take the containers out of the boxes in which they came through JAX, and return the boxes.

    None when there is something else in one of their places, put there by a function over trees.
    """
    boxes = {name: attributes[name] for name in layout.boxed}
    if not all(type(box) is Box for box in boxes.values()):
        boxes = {name: box for name, box in boxes.items() if type(box) is Box}
        attributes.update((name, box.value) for name, box in boxes.items())
        return None
    for name, box in boxes.items():
        attributes[name] = box.value
    return boxes


_finished: set[type] = set()


def finish_class(cls: type) -> None:
    """Look at a class when its first instance is made, after all its decorators have run.

    Declarations are taken out of the class bodies, so that `module.rate` of an unset field is an
    `AttributeError` and not the declaration.

    Raises:
        FieldError: a dataclass decorator took the attributes away, or forbade assignment.
    """
    if cls in _finished:
        return
    _finished.add(cls)
    for base in cls.__mro__:
        for name, value in list(vars(base).items()):
            if base in _bodies and _fields.is_declaration(value):
                delattr(base, name)
    if getattr(getattr(cls, "__dataclass_params__", None), "frozen", False):
        raise _refused_dataclass(cls, "frozen=True", "modules are changed by assignment")


def _refused_dataclass(cls: type, option: str, reason: str) -> FieldError:
    return FieldError(
        cls.__name__,
        expected=f"a dataclass without `{option}`, because {reason}",
        received=f"@dataclass({option})",
        fix=f"Remove `{option}`.",
    )


def _prepare_class(cls: type) -> None:
    _bodies[cls] = _fields.own_declarations(cls)
    cls._tx_fields = _fields.collect(cls, _bodies)  # type: ignore[attr-defined]
    cls._field_metadata = cls._tx_fields.metadata  # type: ignore[attr-defined]  # treeo's name for it
    cls._tx_has_compact = any(  # type: ignore[attr-defined]
        getattr(getattr(cls, name, None), "_is_compact", False) for name in dir(cls)
    )
    body = vars(cls)
    if body.get("__slots__") and "__dataclass_fields__" in body:
        raise _refused_dataclass(cls, "slots=True", "modules keep attributes in `__dict__`")
    for name in _DUNDERS:
        if name not in body:
            setattr(cls, name, getattr(cls, name))
    calls = [vars(base)["__call__"] for base in cls.__mro__ if "__call__" in vars(base)]
    if calls and isinstance(calls[0], types.FunctionType):  # its own, or that of a plain mixin
        cls.__call__ = doorway(calls[0])  # type: ignore[method-assign]
    MODULE_TYPES.add(cls)
    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
