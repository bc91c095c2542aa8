"""State dicts: the data of a module as `{path: array}`, out and in again.

In: a module, or a mapping. Out: a mapping, or a report of what was loaded. Loading makes a `Plan`
first, which lists every entry that does not fit and looks at shapes and dtypes only; then all new
values are made; then they are written, all of them or none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._core import _filters, _tree
from treexlite._core._choices import is_leaf, slot_infos
from treexlite._core._filters import Filter
from treexlite._core._graph import LEAF, Walk, modules_of, walk
from treexlite._core._lost import close_all
from treexlite._core._paths import places, slot_numbers
from treexlite._core._registry import SCALAR_TYPES, is_jax_array, is_numeric
from treexlite._core._rename import Rename, renamed
from treexlite._errors import StateDictError, describe


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Attributes:
        loaded: paths that were written.
        missing: paths of the module for which there was no entry.
        unexpected: entries that the module has no place for.
        mismatched: entries whose shape or dtype the module cannot hold, and that were left out.
            `load_state_dict` refuses them.
        different: plain attributes of modules, such as hyper-parameters, of which a checkpoint has
            another value; a state dict has none.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...] = ()
    different: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a load would do.

    Attributes:
        found: the walk of the tree to load into.
        wanted: `{path: present leaf}` of what is to be loaded.
        entries: what there is for them, by the tree's own paths.
        missing: as in `LoadReport`.
        unexpected: as in `LoadReport`.
        wrong: `{path: why}` for entries that do not fit.
    """

    found: Walk
    wanted: dict[str, Any]
    entries: dict[str, Any]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrong: dict[str, str]

    @property
    def loadable(self) -> dict[str, Any]:
        """The entries that have a place and fit it."""
        return {
            path: self.entries[path]
            for path in self.wanted
            if path in self.entries and path not in self.wrong
        }

    def report(self) -> LoadReport:
        """Return what it comes to when the rest is left out."""
        return LoadReport(tuple(self.loadable), self.missing, self.unexpected, tuple(self.wrong))

    def require(self, where: str, strict: bool, wrong: bool = True) -> None:
        """Raise for what does not fit, and in strict mode for what is missing or left over.

        Raises:
            StateDictError: listing all of it.
        """
        missing, unexpected = (self.missing, self.unexpected) if strict else ((), ())
        if missing or unexpected or (wrong and self.wrong):
            raise _misfit(where, missing, unexpected, self.wrong if wrong else {})

    def write(self, tree: Any, values: Mapping[str, Any]) -> Any:
        """Write `{path: leaf}` into `tree`, in place, and return it.

        Only what cannot change is made anew: tuples, and a tree that is itself an array.
        """
        slots = slot_infos(tree, self.found)
        old = self.found.values()
        new = [_replaced(v, slot, values) for v, slot in zip(old, slots, strict=True)]
        if self.found.spec.tree is LEAF:  # no module anywhere in it
            return _refilled(tree, new[0])
        return _tree.write_values(tree, self.found, new)


def state_dict(module: Any, *filters: Filter) -> dict[str, Any]:
    """Return `{path: array}`; a shared module's data appears once, under its first path."""
    close_all(modules_of(module, walk(module)))
    return dict(_tree.named(module, *filters))


def plan(
    where: str,
    tree: Any,
    entries: Mapping[str, Any],
    rename: Rename | None = None,
    filters: tuple[Filter, ...] = (),
) -> Plan:
    """Find out which entries fit where.

    Args:
        where: the function that asks, for errors.
        tree: a module, or any tree; nothing is written yet.
        entries: `{path: array}`, or anything that has a `shape` and a `dtype` like it.
        rename: as in `renamed`.
        filters: what is to be loaded. With filters, entries that have no place are no concern.

    Raises:
        ArgumentError: `rename` gives two entries one name.
        PathError: a path pattern matches nothing.
    """
    found = walk(tree)
    infos = [info for slot in slot_infos(tree, found) for info in slot]
    _filters.check_patterns(where, filters, infos)
    holds = _filters.All(*filters)
    wanted = {info.path: info.value for info in infos if not filters or holds(info)}
    first = _aliases(found.spec)
    entries = {first(path): v for path, v in renamed(where, entries, rename).items()}
    wrong = {
        path: f"expected {describe(wanted[path])}, received {describe(value)}"
        for path, value in entries.items()
        if path in wanted and not fits(wanted[path], value)
    }
    missing = tuple(path for path in wanted if path not in entries)
    left = () if filters else tuple(path for path in entries if path not in wanted)
    return Plan(found, wanted, entries, missing, left, wrong)


def load_state_dict(
    module: Any, entries: Mapping[str, Any], strict: bool, rename: Rename | None
) -> LoadReport:
    """Write `entries` into `module`; see `Module.load_state_dict`."""
    made = plan("load_state_dict", module, entries, rename)
    made.require(f"{type(module).__name__}.load_state_dict", strict)
    made.write(module, {p: like(made.wanted[p], v) for p, v in made.loadable.items()})
    return made.report()


def _replaced(value: Any, slot: list[Any], values: Mapping[str, Any]) -> Any:
    """Return the value of one slot with what `values` have for its leaves."""
    if not any(info.path in values for info in slot):
        return value
    leaves = [values.get(info.path, info.value) for info in slot]
    if is_leaf(value):
        return leaves[0]
    return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(value), leaves)


def _refilled(own: Any, new: Any) -> Any:
    """Return `new` in the user's own lists and dicts."""
    if isinstance(own, list):
        own[:] = [_refilled(a, b) for a, b in zip(own, new, strict=True)]
        return own
    if isinstance(own, dict):
        for key, value in own.items():
            own[key] = _refilled(value, new[key])
        return own
    if type(own) is tuple:
        return tuple([_refilled(a, b) for a, b in zip(own, new, strict=True)])
    return new


def fits(old: Any, new: Any) -> bool:
    """Whether an entry has the shape of a leaf, and is of a kind that it can hold."""
    if type(old) is type(new) and type(old) in (*SCALAR_TYPES, str, bytes):
        return True
    if not _is_numeric(old) or not _is_numeric(new) or _shape(new) != _shape(old):
        return False
    if _dtype(new) == _dtype(old):
        return True
    old_type, new_type = _result_type(old), _result_type(new)
    if jnp.issubdtype(new_type, jax.dtypes.extended):
        return bool(old_type == new_type)  # a key of another implementation gives other numbers
    return _rank(new_type) <= _rank(old_type)


def _is_numeric(value: Any) -> bool:
    return is_numeric(value) or (hasattr(value, "shape") and hasattr(value, "dtype"))


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.shape) if hasattr(value, "shape") else jnp.shape(value)


def _result_type(value: Any) -> Any:
    dtype = _dtype(value)
    if jnp.issubdtype(dtype, jax.dtypes.extended):
        return dtype
    if isinstance(value, np.ndarray) and not dtype.isnative:  # which JAX refuses
        value = np.empty(0, dtype.newbyteorder("="))
    return jnp.result_type(value if is_numeric(value) else dtype)


def _is_strong(value: Any) -> bool:
    return is_jax_array(value) and not getattr(value, "weak_type", False)


def _dtype(value: Any) -> Any:
    return getattr(value, "dtype", type(value))


def _rank(dtype: Any) -> int:
    """Order the kinds of numbers: what comes later can hold what comes before."""
    kinds = (jnp.bool_, jnp.integer, jnp.floating, jnp.complexfloating)
    return next((n for n, kind in enumerate(kinds) if jnp.issubdtype(dtype, kind)), len(kinds))


def like(old: Any, new: Any) -> Any:
    """Return `new` in the form of the leaf that it replaces.

    A JAX array keeps its dtype. Whatever JAX would not give back to the bit stays what it is: a
    NumPy array (of 64 bits, say), a Python number.
    """
    if new is old or (_is_strong(new) and new.dtype == _dtype(old)):
        return new
    if type(old) in SCALAR_TYPES or not is_numeric(old):
        return new.item() if isinstance(new, (np.ndarray, np.generic)) else new
    if isinstance(old, np.ndarray):
        return np.array(new, dtype=old.dtype)
    if jnp.issubdtype(jnp.result_type(new), jax.dtypes.extended):
        return new
    return jnp.asarray(new, dtype=jnp.result_type(old))


def _aliases(spec: Any) -> Callable[[str], str]:
    numbers = slot_numbers(spec)
    slots = places(spec).slots
    return lambda path: slots[numbers[path]].path if path in numbers else path


def _misfit(
    where: str, missing: tuple[str, ...], unexpected: tuple[str, ...], wrong: Mapping[str, str]
) -> StateDictError:
    parts = []
    if missing:
        parts.append(f"without {', '.join(missing)}")
    if unexpected:
        parts.append(f"with unexpected {', '.join(unexpected)}")
    if wrong:
        listed = "; ".join(f"{path}: {why}" for path, why in wrong.items())
        parts.append(f"with wrong shapes or dtypes ({listed})")
    return StateDictError(
        where,
        expected="one entry of the right shape for each path of the module",
        received=f"entries {', '.join(parts)}",
        fix=(
            "Load from a model built alike, give `rename=` to map names, or pass `strict=False` to"
            " load what fits by name."
        ),
    )
