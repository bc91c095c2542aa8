"""Initialisation: creating what a module still lacks.

In: a description (modules with `Pending` and `Initializer` fields), a key, and example inputs. Out:
the same graph with arrays. The method is traced once on a copy; new fields are outputs of that
trace, and everything the forward pass would compute beside them is removed (`_prune`) before what
is left is compiled, fields that are made alike together (`_slices`). The user's module is not
touched before the arrays exist.

Why fields with a value keep it: the forward pass runs only to find shapes. What it writes to a
counter or to running statistics is not part of creating them, so the first value of a new field
counts, and a field that had a value keeps that one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from treexlite._context import entered
from treexlite._core import _tree
from treexlite._core._calls import lazy_fields, path_below
from treexlite._core._containers import holds_module
from treexlite._core._graph import Spec, modules_of, walk
from treexlite._core._identity import Copies, Origin
from treexlite._core._lazy import Initializer, is_lazy
from treexlite._core._lost import close_all
from treexlite._core._paths import FieldInfo, join, places
from treexlite._core._prune import pruned
from treexlite._core._random import KeyLike, as_key, fold
from treexlite._core._record import touch
from treexlite._core._registry import is_array
from treexlite._core._slices import Sliced
from treexlite._core._statics import Static, fresh, is_refillable, is_volatile
from treexlite._core._write_back import refill, write_back
from treexlite._errors import InitializationError


class _NoInputs:
    def __repr__(self) -> str:
        return "no inputs"


NO_INPUTS = _NoInputs()


class InitRun:
    """One initialisation while it is traced: gives out keys and keeps what was there before."""

    def __init__(self, root: Any, key: jax.Array) -> None:
        self.root = root
        self.key = key
        self.asked: dict[str, int] = {}
        self.paths: dict[int, str] = {}
        self.before: dict[int, tuple[Any, dict[str, Any]]] = {}
        self.first: dict[tuple[int, str], Any] = {}
        self.originals: dict[int, tuple[Any, Any]] = {}

    def stand_in(self, copies: Sequence[Any], modules: Sequence[Any]) -> None:
        """Take note that a transformation runs on copies, which have the paths of the originals."""
        for copy, module in zip(copies, modules, strict=True):
            self.originals[id(copy)] = (copy, module)

    def next(self, module: Any) -> jax.Array:
        """Return the next key of `module`."""
        return fold(self.key, self._name(module))

    def skip(self, module: Any) -> None:
        """Count the next key of `module` without making it."""
        self._name(module)

    def _name(self, module: Any) -> str:
        path = "" if module is None else self.path(module)
        count = self.asked.get(path, 0)
        self.asked[path] = count + 1
        return f"{path}#{count}"

    def path(self, module: Any) -> str:
        """Return where `module` was below the root when it was first seen there."""
        while id(module) in self.originals:
            _, module = self.originals[id(module)]
        path = self.paths.get(id(module))
        if path is None:
            path = path_below(self.root, module)
            if path is not None and id(module) in self.before:
                self.paths[id(module)] = path
        return path or ""

    def adopt(self, module: Any, path: str | None = None) -> None:
        """Remember the attributes that `module` has from its construction, and where it is."""
        if path is not None:
            self.paths[id(module)] = path
        attributes = dict(module.__dict__)
        for name, value in attributes.items():
            if is_volatile(value) and not holds_module(value):
                attributes[name] = fresh(value)
        self.before[id(module)] = (module, attributes)

    def note(self, module: Any, name: str, value: Any) -> None:
        """Remember the first value that is written to an attribute after construction."""
        if id(module) in self.before and value is not None and not is_lazy(value):
            self.first.setdefault((id(module), name), value)

    def enter(self, module: Any) -> None:
        """Fill what is called: modules that were made on the way have a path by now."""
        if any(type(value) is Initializer for value in vars(module).values()):
            self.fill_initializers(module, self.path(module))

    def fill_initializers(self, module: Any, path: str) -> None:
        """Replace every `Initializer` of `module` by the value that it makes."""
        for name, value in list(vars(module).items()):
            if type(value) is Initializer:
                setattr(module, name, value.f(fold(self.key, join(path, name))))

    def pristine(self, module: Any) -> Any:
        """Return a copy of `module` in which everything that this run creates is still missing."""
        copy = _tree.copy(module)
        pairs = zip(_tree.modules(module), _tree.modules(copy), strict=True)
        for (_, original), (_, member) in pairs:
            _, attributes = self.before.get(id(original), (None, {}))
            lazy = {name: value for name, value in attributes.items() if is_lazy(value)}
            vars(member).update(lazy)
            touch(member)
        return copy

    def restore(self) -> None:
        """Give fields that had a value that value back; others keep the first one written."""
        for module, attributes in self.before.values():
            for name in list(vars(module)):
                value = attributes.get(name)
                if value is None or is_lazy(value):
                    value = self.first.get((id(module), name), vars(module)[name])
                if vars(module)[name] is not value and not holds_module(vars(module)[name]):
                    now = vars(module)[name]
                    same = type(now) is type(value) and is_refillable(now)
                    vars(module)[name] = refill(now, value) if same else value
                    touch(module)


def init(
    module: Any, key: KeyLike, inputs: Any, *, method: str, inplace: bool, sharding: Any
) -> Any:
    """Initialise `module`; see `Module.init`."""
    where = f"{type(module).__name__}.init"
    found = walk(module)
    creation = _creation(found.spec, method, Call.of(where, inputs), Static(sharding))
    values, created = creation.compiled(as_key(where, key), found.values(), creation.arrays(inputs))
    spec = created.spec
    if inplace:
        own = created.origin.own(modules_of(module, found), found.containers)
        return write_back(spec, values, own)
    close_all(modules_of(module, found))
    return spec.build(values).root


class Created(NamedTuple):
    """What an initialisation made, apart from the arrays.

    Attributes:
        spec: the structure of the initialised module.
        origin: which of its objects were there before.
        kept: for each of its slots the slot before that has the data, or None for new data.
    """

    spec: Spec
    origin: Origin
    kept: tuple[int | None, ...]


class Call(NamedTuple):
    """How the method is called: the structure of the inputs, and their leaves that are no arrays.

    Attributes:
        treedef: the structure of `(args, kwargs)`, or None when there are no inputs.
        fixed: for each leaf a `Static` (a plain value, or shape and dtype), or None for an array.
    """

    treedef: Any
    fixed: tuple[Static | None, ...]

    @classmethod
    def of(cls, where: str, inputs: Any) -> Call:
        if inputs is NO_INPUTS:
            return cls(None, ())
        leaves, treedef = jax.tree_util.tree_flatten(
            _arguments(inputs), is_leaf=lambda x: x is None
        )
        return cls(treedef, tuple(None if is_array(leaf) else Static(leaf) for leaf in leaves))

    def arrays(self, inputs: Any) -> list[Any]:
        """Return the leaves that are arrays."""
        if self.treedef is None:
            return []
        return [leaf for leaf in jax.tree_util.tree_leaves(_arguments(inputs)) if is_array(leaf)]

    def arguments(self, arrays: list[Any]) -> Any:
        """Return `(args, kwargs)` with `arrays` in place, and zeros for what was a shape only."""
        remaining = iter(arrays)
        leaves = [
            next(remaining) if fixed is None else _stand_in(fixed.value) for fixed in self.fixed
        ]
        return jax.tree_util.tree_unflatten(self.treedef, leaves)


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, dict):
        return (), inputs
    return (inputs if type(inputs) is tuple else (inputs,)), {}


def _shape_key(leaf: Any) -> Hashable:
    dtype = str(leaf.dtype) if hasattr(leaf, "dtype") else type(leaf)
    return (jnp.shape(leaf), dtype, getattr(leaf, "weak_type", None))


def _stand_in(value: Any) -> Any:
    if isinstance(value, jax.ShapeDtypeStruct):
        if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            return jax.random.split(jax.random.key(0), value.shape)
        return jnp.zeros(value.shape, value.dtype)
    return value


class _Creation:
    """A compiled initialisation, shared by all modules that are built alike."""

    def __init__(self, spec: Spec, method: str, call: Call, sharding: Any) -> None:
        self.spec, self.method, self.call, self.sharding = spec, method, call, sharding
        self.arrays = call.arrays
        self.programs: dict[Any, tuple[Any, Any, Created]] = {}

    def compiled(self, key: jax.Array, values: list[Any], arrays: list[Any]) -> tuple[Any, Created]:
        """Run the compiled program; trace and compile it if the shapes are new.

        Returns:
            The data of the initialised module, and its structure.
        """
        leaves, treedef = jax.tree_util.tree_flatten((key, values, arrays))
        shapes = (treedef, *map(_shape_key, leaves))
        program = self.programs.get(shapes)
        try:
            if program is None:
                program = self.programs[shapes] = self._program(key, values, arrays)
            run, structure, created = program
            new_values = jax.tree_util.tree_unflatten(structure, run(*leaves))
        except jax.errors.UnexpectedTracerError as error:
            raise InitializationError(
                f"init ({self.method})",
                expected="fields to be created outside of `jax.jit`, `jax.lax.scan` and the like",
                received="a forward pass that creates one inside such a transformation",
                fix="Use `tx.jit` inside models, or initialise the inner layer by itself first.",
            ) from error
        merged = [
            new if old is None else values[old]
            for new, old in zip(new_values, created.kept, strict=True)
        ]
        return merged, created

    def _program(self, *arguments: Any) -> tuple[Any, Any, Created]:
        box: list[Created] = []  # not an output: JAX's caches would keep the structure alive

        def trace(key: jax.Array, values: list[Any], arrays: list[Any]) -> list[Any]:
            new, created = self._trace(key, values, arrays)
            box.append(created)
            return new

        closed, outputs = jax.make_jaxpr(trace, return_shape=True)(*arguments)
        run = Sliced(pruned(closed))
        return run, jax.tree_util.tree_structure(outputs), box[0]

    def _trace(
        self, key: jax.Array, values: list[Any], arrays: list[Any]
    ) -> tuple[list[Any], Created]:
        root, modules, containers = self.spec.build(values)
        copies = Copies(modules, containers)
        run = InitRun(root, key)
        paths = places(self.spec).modules
        for module, path in zip(modules, paths, strict=True):
            run.adopt(module, path)
        with entered(root, init=run, keys=run):
            for module, path in zip(modules, paths, strict=True):
                run.fill_initializers(module, path)
            if self.call.treedef is None:
                self._check_no_shape_needed(modules, paths)
            else:
                args, kwargs = self.call.arguments(arrays)
                getattr(root, self.method)(*args, **kwargs)
            for path, module in _tree.modules(root):
                run.fill_initializers(module, path)
            run.restore()
        found = walk(root)
        origin = copies.origin(modules_of(root, found), found.containers)
        old = {id(value): number for number, value in enumerate(values)}
        kept = tuple(old.get(id(value)) for value in found.values())
        new = [
            None if number is not None else value
            for value, number in zip(found.values(), kept, strict=True)
        ]
        if self.sharding is not None:
            new = self._constrained(new, found, root)
        return new, Created(found.spec, origin, kept)

    def _check_no_shape_needed(self, modules: list[Any], paths: tuple[str, ...]) -> None:
        missing = [
            f"`{join(path, name)}`"
            for module, path in zip(modules, paths, strict=True)
            for name in lazy_fields(module)
        ]
        if missing:
            shown = ", ".join(missing[:4]) + (
                f" (and {len(missing) - 4} more)" * (len(missing) > 4)
            )
            verb = "needs" if len(missing) == 1 else "need"
            raise InitializationError(
                f"{type(modules[0]).__name__}.init",
                expected=f"`inputs`, because {shown} {verb} the shape of an input",
                received="a key alone",
                fix=(
                    "Pass example inputs: `model.init(key, x)`, or their shape:"
                    " `model.init(key, jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32))`."
                ),
            )

    def _constrained(self, new: list[Any], found: Any, root: Any) -> list[Any]:
        modules = modules_of(root, found)
        constrained = []
        for value, slot in zip(new, places(found.spec).slots, strict=True):
            chosen = self.sharding
            if value is not None and not isinstance(chosen, jax.sharding.Sharding):
                chosen = chosen(
                    FieldInfo(slot.path, slot.name, slot.kind, value, modules[slot.module])
                )
            if value is not None and chosen is not None:
                value = jax.lax.with_sharding_constraint(value, chosen)
            constrained.append(value)
        return constrained


def _creation(spec: Spec, method: str, call: Call, sharding: Static) -> _Creation:
    """Return the creation for this structure; it lives as long as the structure does."""
    key = ("init", method, call, sharding)
    found: _Creation | None = spec.cache.get(key)
    if found is None:
        found = spec.cache[key] = _Creation(spec, method, call, sharding.value)
    return found
