"""Python containers that hold modules, described so that they can be taken apart and rebuilt.

In: a list, tuple, dict, dataclass or registered PyTree that stands in a field. Out: a `Form`, a
hashable description with one *child* for each element that holds data; everything else in the
container (names, functions, sizes) is part of the form itself, compared by content.
`form.rebuild(children)` makes a new container; nothing here mutates the user's.

Why not leave containers to JAX: it sorts the keys of dicts (a loop over a dict of layers would run
in another order after a transformation), refuses functions and strings as leaves, and does not see
into dataclasses. Where a container has none of that, JAX flattens it natively.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax

from treexlite._core._lazy import is_lazy
from treexlite._core._nothing import Nothing
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, MODULE_TYPES, is_jax_array, is_numeric
from treexlite._core._statics import Static, fresh, has_attributes, is_volatile

PLAIN_TYPES: frozenset[type] = frozenset({bool, int, float, complex, str, bytes, type(None)})
_NATIVE_TYPES = (list, tuple, dict, collections.OrderedDict, collections.defaultdict)


class Form:
    """What a container looks like without the data in it.

    Attributes:
        kind: `"sequence"`, `"dict"`, `"dataclass"` or `"tree"` (any other registered PyTree).
        type: the container's class.
        keys: for each child its index, dict key or field name.
        rest: `(key, Static)` of every other element.
        meta: what else rebuilding needs (a default factory, a treedef), or None.
        is_calm: whether the rest is functions and plain values, which never change in place.
        template: of a calm list, the rest in its places.
    """

    __slots__ = ("_hash", "is_calm", "keys", "kind", "meta", "order", "rest", "template", "type")

    def __init__(
        self,
        kind: str,
        type: Any,
        keys: tuple[Any, ...],
        rest: tuple[tuple[Any, Static], ...] = (),
        order: tuple[Any, ...] = (),
        meta: Any = None,
    ) -> None:
        self.kind, self.type, self.keys, self.rest = kind, type, keys, rest
        self.order, self.meta = order, meta
        self._hash = hash((kind, type, keys, rest, order))
        self.is_calm = all(_is_calm(static.value) for _, static in rest)
        self.template = [None] * (len(keys) + len(rest))
        if type is list and self.is_calm:
            for key, static in rest:
                self.template[key] = static.value

    def _identity(self) -> tuple[Any, ...]:
        return (self.kind, self.type, self.keys, self.rest, self.order, self.meta)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Form) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return self._hash

    def children(self, value: Any) -> list[Any]:
        """Return the children of `value`, a container of this form."""
        if self.kind == "dataclass":
            return [getattr(value, key) for key in self.keys]
        if self.kind == "tree":
            return list(jax.tree_util.tree_leaves(value, is_leaf=_is_module))
        return [value[key] for key in self.keys]

    def rebuild(self, children: list[Any]) -> Any:
        """Make a new container of this form."""
        if self.type is list and self.is_calm:
            values = self.template.copy()
            for key, child in zip(self.keys, children, strict=True):
                values[key] = child
            return values
        if self.kind == "tree":
            return jax.tree_util.tree_unflatten(self.meta, children)
        items = dict(zip(self.keys, children, strict=True))
        if self.rest:
            items.update((key, fresh(static.value)) for key, static in self.rest)
        return _REBUILD[self.kind](self, items)

    def entry(self, key: Any) -> Any:
        """Return the JAX key-path entry of the child `key`."""
        if self.kind == "dataclass":
            return jax.tree_util.GetAttrKey(key)
        if self.kind == "dict":
            return jax.tree_util.DictKey("None" if key is None else key)  # older JAX refuses None
        return jax.tree_util.SequenceKey(key)

    @property
    def mutable(self) -> bool:
        """Whether a child can be replaced in place in a container of this form."""
        if self.kind == "dataclass":
            return not self.type.__dataclass_params__.frozen and not hasattr(self.type, "__slots__")
        return self.kind == "dict" or (self.kind == "sequence" and issubclass(self.type, list))


def _is_calm(value: Any) -> bool:
    kind = type(value)
    return kind in PLAIN_TYPES or (
        items_of(value) is None and not is_volatile(value) and not has_attributes(value)
    )


def _rebuild_sequence(form: Form, items: dict[Any, Any]) -> Any:
    values = [items[i] for i in range(len(items))]
    if hasattr(form.type, "_fields"):
        return form.type(*values)
    return values if form.type is list else form.type(values)


def _rebuild_dict(form: Form, items: dict[Any, Any]) -> Any:
    ordered = {key: items[key] for key in form.order}
    if form.type is dict:
        return ordered
    if issubclass(form.type, collections.defaultdict):
        return form.type(form.meta, ordered)
    return form.type(ordered)


def _rebuild_dataclass(form: Form, items: dict[Any, Any]) -> Any:
    value: Any = object.__new__(form.type)
    for name in form.order:
        object.__setattr__(value, name, items[name])
    return value


_REBUILD: dict[str, Callable[[Form, dict[Any, Any]], Any]] = {
    "sequence": _rebuild_sequence,
    "dict": _rebuild_dict,
    "dataclass": _rebuild_dataclass,
}


def _is_module(value: Any) -> bool:
    return type(value) in MODULE_TYPES


def _is_plain_dataclass(value: Any) -> bool:
    return (
        hasattr(type(value), "__dataclass_fields__")
        and type(value) not in MODULE_TYPES
        and jax.tree_util.all_leaves([value])
    )


def items_of(value: Any) -> Iterator[tuple[Any, Any]] | None:
    """Iterate over `(key, element)` of a container, or return None if `value` is not one."""
    kind = type(value)
    if kind in PLAIN_TYPES or kind in CONCRETE_ARRAY_TYPES or kind in MODULE_TYPES:
        return None
    if isinstance(value, (list, tuple)):
        return iter(enumerate(value))
    if isinstance(value, dict):
        return iter(value.items())
    if _is_plain_dataclass(value):
        names = [f.name for f in dataclasses.fields(value) if hasattr(value, f.name)]
        return iter([(name, getattr(value, name)) for name in names])
    return None


def holds(value: Any, wanted: Callable[[Any], bool]) -> bool:
    """Whether `value`, or anything nested in its containers, satisfies `wanted`."""
    if wanted(value):
        return True
    items = items_of(value)
    if items is not None:
        return any(holds(item, wanted) for _, item in items)
    if type(value) in PLAIN_TYPES or type(value) in CONCRETE_ARRAY_TYPES or _is_module(value):
        return False
    if is_jax_array(value) or value is Nothing or is_lazy(value):
        return False
    leaves = jax.tree_util.tree_leaves(value, is_leaf=_is_module)
    return not (len(leaves) == 1 and leaves[0] is value) and any(map(wanted, leaves))


def holds_module(value: Any) -> bool:
    """Whether `value` is a module or a container with a module anywhere in it."""
    return holds(value, _is_module)


def holds_jax_array(value: Any) -> bool:
    """Whether `value` is a JAX array or a container with one in it (modules are not entered)."""
    return not _is_module(value) and holds(value, is_jax_array)


def form_of(value: Any, declared: bool) -> Form | None:
    """Describe the container `value`, or return None when it is a leaf for our purposes.

    Args:
        value: the content of a node field, or an element of such a container.
        declared: whether the field was declared as a node; then numbers and NumPy arrays are data
            too.
    """
    items = items_of(value)
    if items is None:
        if type(value) in PLAIN_TYPES or not holds_module(value) or _is_module(value):
            return None
        leaves, treedef = jax.tree_util.tree_flatten(value, is_leaf=_is_module)
        return Form("tree", type(value), tuple(range(len(leaves))), meta=treedef)
    keys: list[Any] = []
    rest: list[tuple[Any, Static]] = []
    order: list[Any] = []
    for key, item in items:
        order.append(key)
        if _is_data(item, declared):
            keys.append(key)
        else:
            rest.append((key, Static(item)))
    kind = type(value)
    if isinstance(value, dict):
        meta = getattr(value, "default_factory", None)
        return Form("dict", kind, tuple(keys), tuple(rest), tuple(order), meta)
    if isinstance(value, (list, tuple)):
        return Form("sequence", kind, tuple(keys), tuple(rest))
    return Form("dataclass", kind, tuple(keys), tuple(rest), tuple(order))


def _is_data(item: Any, declared: bool) -> bool:
    if item is Nothing or is_lazy(item):
        return True
    if items_of(item) is None and is_numeric(item) if declared else is_jax_array(item):
        return True
    return holds(item, lambda v: _is_content(v, declared))


def _is_content(value: Any, declared: bool) -> bool:
    """Whether a value that stands alone is a module or data, or the shape of data."""
    if _is_module(value) or isinstance(value, jax.ShapeDtypeStruct):
        return True
    return is_numeric(value) if declared else is_jax_array(value)


def is_native(value: Any, declared: bool) -> bool:
    """Whether JAX flattens and rebuilds this container of modules exactly as we would."""
    items = items_of(value)
    if items is None:
        is_data = _is_module(value) or (is_numeric(value) if declared else is_jax_array(value))
        return is_data or value is None or not _is_leaf(value)
    return is_orderly_type(value) and all(is_native(item, declared) for _, item in items)


def is_orderly(value: Any) -> bool:
    """Whether JAX rebuilds this container of arrays with the same types and the same order."""
    items = items_of(value)
    return items is None or (is_orderly_type(value) and all(is_orderly(v) for _, v in items))


def is_orderly_type(value: Any) -> bool:
    """The question of `is_orderly` for the outermost container alone."""
    kind = type(value)
    if kind is not collections.OrderedDict and isinstance(value, dict):
        return kind in _NATIVE_TYPES and _is_sorted(list(value))
    return kind in _NATIVE_TYPES or hasattr(value, "_fields")


def can_change(value: Any) -> bool:
    """Whether a container may be given modules or lose them in place.

    The contents of namedtuples (optax's states) count as immutable.
    """
    if isinstance(value, (list, dict)):
        return True
    if type(value) is tuple:
        return any(map(can_change, value))
    return _is_plain_dataclass(value)


def needs_form(value: Any, declared: bool) -> bool:
    """Whether a field's value must be taken apart by us rather than handed to JAX as one tree."""
    if _is_module(value) or is_lazy(value):
        return False
    if items_of(value) is None:
        return type(value) not in PLAIN_TYPES and holds_module(value)
    return holds_module(value) or (declared and not is_orderly(value))


def _is_leaf(value: Any) -> bool:
    """Whether JAX would take this value as a leaf."""
    return value is not Nothing and not is_lazy(value) and jax.tree_util.all_leaves([value])


def _is_sorted(keys: list[Any]) -> bool:
    try:
        return all(a < b for a, b in itertools.pairwise(keys))
    except TypeError:
        return False


class Box:
    """A container on its way through JAX: a PyTree that rebuilds the container itself.

    It takes the container apart once, so it may be used again only while nothing has changed. What
    JAX rebuilds stays in its box, with what is known of it, until the module that owns the
    container takes it out.
    """

    __slots__ = ("declared", "flat", "value")

    def __init__(self, value: Any, declared: bool) -> None:
        self.value = value
        self.declared = declared
        self.flat: tuple[list[Any], tuple[Form, bool]] | None = None

    @property
    def is_calm(self) -> bool:
        """Whether this is a list that only its own elements can change: modules and functions."""
        return (
            self.flat is not None
            and type(self.value) is list
            and all(type(child) in MODULE_TYPES for child in self.flat[0])
            and self.flat[1][0].is_calm
        )


def boxed(value: Any, declared: bool) -> Any:
    """Wrap `value`, and the containers in it, where JAX would not do them justice."""
    if items_of(value) is None:
        return value
    native = is_native(value, declared) if holds_module(value) else is_orderly(value)
    return value if native else Box(value, declared)


def _flatten_box(box: Box) -> tuple[list[Any], tuple[Form, bool]]:
    if box.flat is None:
        form = form_of(box.value, box.declared)
        assert form is not None  # only containers are boxed
        children = [boxed(child, box.declared) for child in form.children(box.value)]
        box.flat = children, (form, box.declared)
    return box.flat


def _flatten_box_with_keys(box: Box) -> tuple[list[tuple[Any, Any]], tuple[Form, bool]]:
    children, aux = _flatten_box(box)
    form, _ = aux
    return [(form.entry(k), c) for k, c in zip(form.keys, children, strict=True)], aux


def _unflatten_box(aux: tuple[Form, bool], children: Any) -> Box:
    form, declared = aux
    given = list(children)
    box = Box(form.rebuild([c.value if type(c) is Box else c for c in given]), declared)
    if all(type(child) in MODULE_TYPES for child in given):  # else look again at what came
        box.flat = given, aux
    return box


jax.tree_util.register_pytree_with_keys(Box, _flatten_box_with_keys, _unflatten_box, _flatten_box)
