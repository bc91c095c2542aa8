"""`Module`: an object that you mutate and that is a PyTree.

What flows in: attributes, as you assign them. What flows out to JAX: the data among them, in order
of declaration, with the module's `Layout` as structure. What may mutate: the module itself, by
ordinary assignment; every assignment that can change the structure gives the module a new
*version*, so that "has anything changed?" is one comparison of integers.

The rest of the room does the work: `_layout` decides what is data, `_graph` takes modules apart and
puts them together, `_tree` has the verbs, `_init` the initialisation. This file is the object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self

from treexlite._context import current_init
from treexlite._core import _fields, _init, _repr, _state_dict, _tabulate, _tree
from treexlite._core._calls import lazy_fields
from treexlite._core._class import ModuleMeta, Registered, finish_class, flatten, unflatten
from treexlite._core._containers import PLAIN_TYPES, holds_jax_array, holds_module
from treexlite._core._filters import Filter
from treexlite._core._guard import check_owned
from treexlite._core._kinds import (
    BatchStat,
    Cache,
    Log,
    LossLog,
    MetricLog,
    ModelState,
    Parameter,
    Rng,
    State,
)
from treexlite._core._layout import Layout, check_static, undeclared_array
from treexlite._core._lazy import PENDING, is_lazy
from treexlite._core._lost import close_all, note_write
from treexlite._core._nothing import Nothing
from treexlite._core._paths import FieldInfo
from treexlite._core._random import KeyLike
from treexlite._core._record import INTERNAL, NEW_MODES, Modes, array_writes, start, touch
from treexlite._core._registry import (
    CONCRETE_ARRAY_TYPES,
    SCALAR_TYPES,
    is_array,
    is_tracer,
)
from treexlite._core._rename import Rename
from treexlite._core._treeo import Tree


class Module(Registered, Tree, metaclass=ModuleMeta):
    """Base of everything that has parameters or state.

    Attributes that are declared with a kind, and all that hold modules, are data; the rest is
    structure (see `treexlite._core._layout`). Methods write to `self`; `tx.jit` and its siblings
    carry the writes out of the transformation.

    Raises:
        FieldError: an undeclared attribute is given an array, or a static field is left unset.
        CapturedModuleError: a traced value is assigned outside the trace that owns the module.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> class Counter(tx.Module):
        ...     n: jax.Array = tx.State.node()
        ...
        ...     def __init__(self):
        ...         self.n = jnp.array(0)
        ...
        ...     def count(self):
        ...         self.n += 1
        ...         return self.n
        >>> counter = Counter()
        >>> fast_count = tx.jit(counter.count)
        >>> int(fast_count()), int(fast_count()), int(counter.n)
        (1, 2, 2)
    """

    _tx_fields: ClassVar[_fields.Fields]
    _tx_has_compact: ClassVar[bool]

    @classmethod
    def _make(cls, args: Any, kwargs: Any) -> Any:
        finish_class(cls)
        module = cls.__new__(cls)
        start(module, NEW_MODES)
        cls.construct(module, *args, **kwargs)
        if not module.__dict__.keys() >= cls._tx_fields.metadata.keys():
            raise _fields.unset_field(module)
        initialising = current_init()
        if initialising is not None:
            initialising.adopt(module)
        return module

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if (
            type(value) in CONCRETE_ARRAY_TYPES
            and type(attributes.get(name)) in CONCRETE_ARRAY_TYPES
        ):
            meta = self._tx_fields.metadata.get(name)
            if meta is not None and meta.node:  # an array replaces an array: same structure
                if self._tx_version < 0:
                    note_write(self, name, attributes[name], value)
                attributes[name] = value
                array_writes[0] += 1
                return
        _assign(self, name, value)

    def __delattr__(self, name: str) -> None:
        if self._tx_version < 0:
            note_write(self, name, self.__dict__.get(name, PENDING), PENDING)
        object.__delattr__(self, name)
        if name in self._tx_fields.metadata and self._tx_fields.metadata[name].node:
            self.__dict__[name] = PENDING
        touch(self)

    def __getstate__(self) -> dict[str, Any]:
        close_all([self])
        return {"attributes": dict(self.__dict__), "modes": tuple(self._tx_modes)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        start(self, Modes(*state["modes"]))
        self.__dict__.update(state["attributes"])

    def __repr__(self) -> str:
        return _repr.render(self)

    # life

    def init(
        self,
        key: KeyLike,
        inputs: Any = _init.NO_INPUTS,
        *,
        method: str = "__call__",
        inplace: bool = False,
        sharding: Any = None,
    ) -> Self:
        """Create every field that is still missing, and return the initialised module.

        `method` is traced once with `inputs` and compiled with everything but the new fields
        removed, so the forward pass is never executed. Fields that have a value keep it, whatever
        `method` writes: initialised parts (a pretrained encoder) stay as they are.

        Args:
            key: an integer seed or a JAX key. The value of a field depends on the seed and on the
                path of its module, not on the order of construction.
            inputs: what `method` is called with: one array, a tuple of several positional
                arguments, a dict of keyword arguments; arrays or `jax.ShapeDtypeStruct`s. May be
                left out when no field needs a shape.
            method: the name of the method to trace.
            inplace: change this module instead of returning an initialised copy.
            sharding: a `jax.sharding.Sharding` for all new arrays, or a function from `FieldInfo`
                to one (or to None). Arrays are created with it, not moved to it.

        Raises:
            InitializationError: a field needs `inputs`, and none were given.

        Example:
            >>> import jax.numpy as jnp, treexlite as tx
            >>> model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
            >>> model.kernel.shape
            (3, 2)
        """
        initialised: Self = _init.init(
            self, key, inputs, method=method, inplace=inplace, sharding=sharding
        )
        return initialised

    @property
    def initialized(self) -> bool:
        """Whether no field here or below is waiting for `init`."""
        return not any(lazy_fields(module) for _, module in _tree.modules(self))

    def initializing(self) -> bool:
        """Whether `init` is running; inside it, layers create their arrays."""
        return current_init() is not None

    @property
    def training(self) -> bool:
        """Whether the module is in training mode (dropout drops, running statistics update)."""
        return bool(self._tx_modes.training)

    @property
    def frozen(self) -> bool:
        """Whether the module is frozen: no gradient, no optimizer update, no running statistics."""
        return bool(self._tx_modes.frozen)

    def train(self, mode: bool = True, inplace: bool = False) -> Self:
        """Return the module, and all below it, in training mode (`mode=False`: evaluation mode)."""
        moded: Self = _tree.with_modes(self, inplace, training=bool(mode))
        return moded

    def eval(self, inplace: bool = False) -> Self:
        """Return the module in evaluation mode; the same as `train(False)`."""
        return self.train(False, inplace=inplace)

    def freeze(self, mode: bool = True, inplace: bool = False) -> Self:
        """Return the module, and all below it, frozen (`mode=False`: no longer frozen)."""
        moded: Self = _tree.with_modes(self, inplace, frozen=bool(mode))
        return moded

    def unfreeze(self, inplace: bool = False) -> Self:
        """Return the module no longer frozen; the same as `freeze(False)`."""
        return self.freeze(False, inplace=inplace)

    # selections: modules of the same type with `Nothing` wherever a filter does not hold

    def filter(self, *filters: Filter) -> Self:
        """Keep the data for which all `filters` hold, and put `Nothing` in place of the rest."""
        return _tree.filter(self, *filters)

    def parameters(self, *filters: Filter) -> Self:
        """Keep the fields of kind `Parameter`."""
        return self.filter(Parameter, *filters)

    def trainable_parameters(self, *filters: Filter) -> Self:
        """Keep the floating `Parameter` fields of modules that are not frozen."""
        return self.filter(_tree.is_trainable, *filters)

    def states(self, *filters: Filter) -> Self:
        """Keep the fields of kind `State`, its subclasses included."""
        return self.filter(State, *filters)

    def rngs(self, *filters: Filter) -> Self:
        """Keep the fields of kind `Rng`."""
        return self.filter(Rng, *filters)

    def batch_stats(self, *filters: Filter) -> Self:
        """Keep the fields of kind `BatchStat`."""
        return self.filter(BatchStat, *filters)

    def model_states(self, *filters: Filter) -> Self:
        """Keep the fields of kind `ModelState`: `BatchStat` and `Cache`."""
        return self.filter(ModelState, *filters)

    def caches(self, *filters: Filter) -> Self:
        """Keep the fields of kind `Cache`."""
        return self.filter(Cache, *filters)

    def logs(self, *filters: Filter) -> Self:
        """Keep the fields of kind `Log`: `LossLog` and `MetricLog`."""
        return self.filter(Log, *filters)

    def loss_logs(self, *filters: Filter) -> Self:
        """Keep the fields of kind `LossLog`."""
        return self.filter(LossLog, *filters)

    def metric_logs(self, *filters: Filter) -> Self:
        """Keep the fields of kind `MetricLog`."""
        return self.filter(MetricLog, *filters)

    # verbs

    def merge(self, *others: Any) -> Self:
        """Return a copy with the data of `others` laid over it, path by path; later ones win.

        Modes and other statics stay this module's. `Nothing` in the others covers nothing.

        Raises:
            StructureError: an other has data at a path that this module does not have.
        """
        return _tree.merge(self, *others)

    def update(self, *others: Any, inplace: bool = False) -> Self:
        """Like `merge`; with `inplace=True` the data is written into this module."""
        return _tree.update(self, *others, inplace=inplace)

    def map(self, f: Callable[[Any], Any], *filters: Filter) -> Self:
        """Return a copy with `f` applied to every array for which all `filters` hold."""
        return _tree.map(f, self, *filters)

    def apply(self, f: Callable[[Any], Any], inplace: bool = False) -> Self:
        """Return a copy that `f` has changed: it is called with every module, inner ones first."""
        return _tree.apply(f, self, inplace=inplace)

    def copy(self) -> Self:
        """Return a copy: new modules and containers, the same arrays, the same sharing."""
        return _tree.copy(self)

    def replace(self, **fields: Any) -> Self:
        """Return a copy with some attributes replaced.

        Raises:
            UnknownFieldError: the module has no such attribute; close names are listed.
        """
        replaced: Self = _tree.replace(self, **fields)
        return replaced

    def modules(self) -> Iterator[tuple[str, Module]]:
        """Iterate over `(path, module)`, this one first (its path is `""`), shared ones once."""
        return _tree.modules(self)

    def fields(self, *filters: Filter) -> Iterator[FieldInfo]:
        """Iterate over the data for which all `filters` hold, as `FieldInfo`."""
        return _tree.fields(self, *filters)

    def state_dict(self, *filters: Filter) -> dict[str, Any]:
        """Return `{path: array}` of the data for which all `filters` hold."""
        return _state_dict.state_dict(self, *filters)

    def load_state_dict(
        self,
        entries: Mapping[str, Any],
        strict: bool = True,
        rename: Rename | None = None,
    ) -> _state_dict.LoadReport:
        """Write the arrays of `entries` into this module, in place.

        Args:
            entries: `{path: array}`, as `state_dict` gives it.
            strict: refuse when entries are missing or left over; wrong shapes are always refused.
            rename: `{"old/**": "new/**"}`, `{"old": "new"}` for a path and all below it, or a
                function from the old path to the new one.

        Returns:
            What was loaded, what was missing and what was left over.

        Raises:
            StateDictError: listing every entry that is missing, left over or wrongly shaped. The
                module is unchanged then.
        """
        return _state_dict.load_state_dict(self, entries, strict, rename)

    def tabulate(self, inputs: Any = _init.NO_INPUTS, depth: int = -1) -> str:
        """Return a table of the modules: class, output shape, parameters and state.

        Args:
            inputs: as for `init`; when given, the table has the shapes of the outputs.
            depth: how many levels to show; -1 shows all.
        """
        return _tabulate.tabulate(self, inputs, depth)

    def tree_flatten(self) -> tuple[Any, Layout]:
        """Return the children and the structure, as JAX sees them."""
        return flatten(self)

    @classmethod
    def tree_unflatten(cls, layout: Layout, children: Any) -> Any:
        """Make a module from the structure and the children."""
        return unflatten(layout, children)


def _assign(module: Module, name: str, value: Any) -> None:
    """The full assignment: everything but an array that replaces an array."""
    attributes = module.__dict__
    meta = module._tx_fields.metadata.get(name)
    is_plain = type(value) in PLAIN_TYPES
    if meta is None:
        if name in INTERNAL or (name[:2] == "__" and name[-2:] == "__"):
            object.__setattr__(module, name, value)
            return
        if name not in attributes and hasattr(getattr(type(module), name, None), "__set__"):
            object.__setattr__(module, name, value)  # a property, or another data descriptor
            return
    initialising = current_init()
    if not is_plain:
        _check(module, name, value, meta, initialising is not None)
    if initialising is not None:
        initialising.note(module, name, value)
    array_writes[0] += 1
    before = attributes.get(name, PENDING)
    if module._tx_version < 0:
        note_write(module, name, before, value)
    attributes[name] = value
    if meta is None or not meta.node:
        touch(module)
        return
    if not (_is_simple(value) and _is_simple(before)) or is_lazy(value):
        touch(module)


def _check(module: Module, name: str, value: Any, meta: Any, initialising: bool) -> None:
    """Raise when an attribute cannot have this value."""
    if meta is None:
        if holds_module(value):
            check_owned(module, name, value)
        elif holds_jax_array(value):
            raise undeclared_array(module, name, value)
    elif meta.node:
        if not initialising:  # `init` finds leaks itself, at its end
            check_owned(module, name, value)
    elif is_tracer(value):
        check_static(module, name, value)


def _is_simple(value: Any) -> bool:
    """Whether a value in a node field is one leaf or none, not a container."""
    kind = type(value)
    return (
        kind in CONCRETE_ARRAY_TYPES
        or kind in SCALAR_TYPES
        or value is None
        or value is Nothing
        or is_lazy(value)
        or is_array(value)
    )
