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
from treexlite._core._containers import boxed
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
        attributes = obj.__dict__
        for name, meta in fields.metadata.items():
            if meta.node:
                attributes[name] = PENDING
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
        children = _box(layout, children)
    return children, layout


def flatten_with_keys(module: Any) -> tuple[Any, Layout]:
    """Like `flatten`, with a JAX key beside each value."""
    children, layout = flatten(module)
    return tuple(zip(layout.keys, children, strict=True)), layout


def _box(layout: Layout, children: Any) -> list[Any]:
    return [
        boxed(child, name in layout.declared) if name in layout.boxed else child
        for name, child in zip(layout.nodes, children, strict=True)
    ]


def unflatten(layout: Layout, children: Any) -> Any:
    """Make a module from its structure and the values of its data fields."""
    module = instantiate(layout, unflattened_versions)
    attributes = module.__dict__
    attributes.update(layout.template)
    attributes.update(zip(layout.nodes, children))  # noqa: B905  (a hot path; JAX has counted)
    if layout.volatile:
        layout.freshen(module)
    if layout.watch:
        note_watched(module, layout)
    return module


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
