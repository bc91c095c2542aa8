"""Field declarations of a class, collected once when the class is defined.

In: the class body and the bases. Out: for each declared field its metadata (node or static, and
kind) and its default. Annotations are not looked at: what an attribute *holds* decides, so string
annotations, `X | None` and generics need no rules of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from treexlite._core._treeo import FieldMetadata
from treexlite._errors import FieldError


@dataclasses.dataclass
class Fields:
    """The declared fields of one class, those of its bases first.

    Attributes:
        metadata: for each field whether it is a node, and its kind.
        defaults: the default values of those that have one.
        factories: the functions that make a new default for each module.
        nodes: the names of the fields that are nodes; complete when `collect` is.
    """

    metadata: dict[str, FieldMetadata] = dataclasses.field(default_factory=dict)
    defaults: dict[str, Any] = dataclasses.field(default_factory=dict)
    factories: dict[str, Callable[[], Any]] = dataclasses.field(default_factory=dict)
    nodes: tuple[str, ...] = ()

    def declare(self, name: str, field: dataclasses.Field[Any]) -> None:
        """Add one declaration; it replaces an earlier one of the same name, in its place."""
        self.metadata[name] = FieldMetadata(
            node=field.metadata["node"], kind=field.metadata["kind"]
        )
        self.defaults.pop(name, None)
        self.factories.pop(name, None)
        if field.default is not dataclasses.MISSING:
            self.defaults[name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            self.factories[name] = field.default_factory

    def drop(self, name: str) -> None:
        """Forget a field that a method or property of the same name replaces."""
        for table in (self.metadata, self.defaults, self.factories):
            table.pop(name, None)


def own_declarations(cls: type) -> dict[str, Any]:
    """Return what the body of `cls` says: declarations, and values that may be new defaults."""
    return {
        name: value
        for name, value in vars(cls).items()
        if is_declaration(value) or not (name.startswith("__") and name.endswith("__"))
    }


def is_declaration(value: Any) -> bool:
    """Whether a class attribute is `Kind.node()` or one of its siblings."""
    return isinstance(value, dataclasses.Field) and "node" in value.metadata


def collect(cls: type, bodies: dict[type, dict[str, Any]]) -> Fields:
    """Collect the fields of `cls` along its MRO, bases first.

    Args:
        cls: the class.
        bodies: `own_declarations` of every module class, taken when it was defined: a dataclass
            decorator rewrites class bodies afterwards.
    """
    fields = Fields()
    for base in reversed(cls.__mro__):
        body = bodies[base] if base in bodies else own_declarations(base)
        for name, value in body.items():
            if is_declaration(value):
                fields.declare(name, value)
            elif name in fields.metadata:
                if callable(value) or hasattr(value, "__get__"):
                    fields.drop(name)
                else:
                    fields.factories.pop(name, None)
                    fields.defaults[name] = value
    fields.nodes = tuple(name for name, meta in fields.metadata.items() if meta.node)
    return fields


def unset_field(module: Any) -> FieldError:
    """Build the error for a declared static field that `__init__` did not set."""
    fields: Fields = module._tx_fields
    name = next(name for name in fields.metadata if name not in vars(module))
    return FieldError(
        type(module).__name__,
        expected=f"`__init__` to set every declared static field, here `{name}`",
        received="a module without it",
        fix=f"Assign `self.{name}` in `__init__`, or declare it with a default.",
    )
