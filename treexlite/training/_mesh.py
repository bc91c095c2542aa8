"""Where training happens: on the default device, or on all devices of a mesh.

What flows in: a mesh, and what training works with: modules, batches, rows, shapes. What flows out:
the same, where it belongs. What may mutate: modules, whose arrays are moved; no number changes.

The steps are the same programs everywhere. A mesh adds where arrays lie: the examples of a batch
are split over one of its axes, everything else is on each device. XLA derives from that what each
device computes, and what they have to tell each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from treexlite._core import Module
from treexlite._core._choices import is_leaf
from treexlite._core._graph import walk
from treexlite._core._paths import leaf_paths, places
from treexlite._core._tree import copy, write_values
from treexlite._errors import ArgumentError, describe
from treexlite.training._data import Batch, on_device
from treexlite.training._host import given_away
from treexlite.training._leaves import SparseRows

DATA_AXES = ("data", "batch")  # the names of an axis that is meant for examples


class Placement:
    """One device, the default one: JAX puts everything there by itself.

    Attributes:
        num_copies: how often one memory holds what is on each device.
        layout: where arrays are that are kept in parts, by path; programs are compiled for it.
    """

    num_copies = 1

    def __init__(self) -> None:
        self.layout: dict[str, Any] = {}

    def check(self, where: str, modules: Mapping[str, Module]) -> None:
        """Refuse modules that cannot be where training happens; changes nothing."""

    def place(self, modules: Mapping[str, Module]) -> None:
        """Move the arrays of modules to where they belong."""

    def place_whole(self, modules: Iterable[Module]) -> None:
        """Move the arrays of modules that the trainer has for itself."""

    def placed(self, modules: dict[str, Any]) -> dict[str, Any]:
        """Return modules as `place` makes them; they stay where they are themselves."""
        return modules

    def constrain(self, modules: Mapping[str, Module]) -> None:
        """In a step: let what was written to modules be where the modules are."""

    def constrain_whole(self, modules: Iterable[Module]) -> None:
        """In a step: the same for modules that the trainer has for itself."""

    def put(self, tree: Any) -> Any:
        """Return NumPy or JAX arrays with all that is in them on each device."""
        return jax.device_put(tree)

    def batch(self, batch: Batch) -> Batch:
        """Return one batch on the devices that work on it."""
        return on_device(batch)

    def give(self, batch: Batch) -> Batch:
        """Do the same with one that nobody will write into, so that its memory may be shared."""
        moved: Batch = jax.tree_util.tree_map(lambda leaf: given_away(_dense(leaf)), batch)
        return moved

    def split(self, batch: Batch) -> Batch:
        """In a step: divide the examples of a batch among the devices."""
        return batch

    def shapes(self, tree: Any) -> Any:
        """Return shapes of arrays as those of arrays that are where training happens."""
        return tree


DEFAULT_DEVICE = Placement()


class MeshPlacement(Placement):
    """All devices of a mesh: the examples of a batch are divided, everything else is on each.

    Arrays of modules that carry a `NamedSharding` of the mesh keep it.

    Args:
        where: the method that names itself in errors.
        mesh: the mesh.

    Attributes:
        axis: the name of the axis over which examples are divided.

    Raises:
        ArgumentError: it is no mesh, or one of devices that cannot train.
    """

    def __init__(self, where: str, mesh: Any) -> None:
        super().__init__()
        _check_mesh(where, mesh)
        # Of "auto" axes, which leave to XLA what follows from where arrays are.
        self._mesh = Mesh(mesh.devices, mesh.axis_names)
        self.axis = next((name for name in DATA_AXES if name in mesh.shape), mesh.axis_names[0])
        is_shared = mesh.devices.flat[0].platform == "cpu"
        self.num_copies = int(mesh.size) if is_shared else 1
        self._whole = NamedSharding(self._mesh, PartitionSpec())
        self._divided = NamedSharding(self._mesh, PartitionSpec(self.axis))

    def check(self, where: str, modules: Mapping[str, Module]) -> None:
        """Refuse modules that were put elsewhere.

        Raises:
            ArgumentError: an array is on a device outside of the mesh, or in parts that are not of
                this mesh.
        """
        for path, value in _arrays(modules):
            self._wanted(where, path, value)

    def place(self, modules: Mapping[str, Module]) -> None:
        """Move the arrays of modules to all devices, but for those that users keep in parts."""
        kept: dict[str, NamedSharding] = {}

        def place(path: str, value: Any) -> Any:
            if not isinstance(value, jax.Array):
                return value
            wanted = self._wanted("Trainer", path, value)
            if not wanted.is_fully_replicated:
                kept[path] = wanted
            return value if value.sharding == wanted else jax.device_put(value, wanted)

        _rewrite(modules, place)
        self.layout = kept

    def place_whole(self, modules: Iterable[Module]) -> None:
        """Move all arrays of modules to all devices."""
        for module in modules:
            _rewrite({"": module}, lambda _, value: self.put(value))

    def placed(self, modules: dict[str, Any]) -> dict[str, Any]:
        """Return copies of modules as `place` makes them."""
        copies = copy(modules)
        self.place(copies)
        return copies

    def constrain(self, modules: Mapping[str, Module]) -> None:
        """Let the arrays of modules be where `place` has put them."""

        def constrain(path: str, value: Any) -> Any:
            if not isinstance(value, jax.Array):
                return value
            return jax.lax.with_sharding_constraint(value, self.layout.get(path, self._whole))

        _rewrite(modules, constrain)

    def constrain_whole(self, modules: Iterable[Module]) -> None:
        """Let all arrays of modules be on all devices."""
        for module in modules:
            self.constrain({"": module})  # nothing of it is kept in parts

    def put(self, tree: Any) -> Any:
        """Return arrays that are on each device."""
        return jax.device_put(tree, self._whole)

    def batch(self, batch: Batch) -> Batch:
        """Return one batch with its examples divided among the devices, if that goes up."""
        return self.give(jax.tree_util.tree_map(_copied, batch))

    def give(self, batch: Batch) -> Batch:
        """Do the same with one that nobody will write into."""

        def put(leaf: Any) -> Any:
            leaf = _dense(leaf)
            return jax.device_put(leaf, self._for_examples(leaf))

        sent: Batch = jax.tree_util.tree_map(put, batch)
        return sent

    def split(self, batch: Batch) -> Batch:
        """Divide the examples of a batch among the devices, if that goes up."""
        divided: Batch = jax.tree_util.tree_map(
            lambda leaf: jax.lax.with_sharding_constraint(leaf, self._for_examples(leaf)), batch
        )
        return divided

    def shapes(self, tree: Any) -> Any:
        """Return shapes of arrays on the mesh; a trace for other ones could not be used."""
        return jax.tree_util.tree_map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=self._whole), tree
        )

    def _for_examples(self, leaf: Any) -> NamedSharding:
        goes_up = leaf.shape[0] % self._mesh.shape[self.axis] == 0
        return self._divided if goes_up else self._whole

    def _wanted(self, where: str, path: str, value: jax.Array) -> NamedSharding:
        """Return where an array belongs.

        Raises:
            ArgumentError: somebody has put it where it cannot stay.
        """
        if not value.committed:  # JAX chose, not the user
            return self._whole
        sharding: Any = value.sharding
        if isinstance(sharding, NamedSharding) and _is_same(sharding.mesh, self._mesh):
            return NamedSharding(self._mesh, sharding.spec, memory_kind=sharding.memory_kind)
        outside = sharding.device_set - set(self._mesh.devices.flat)
        if not outside and sharding.is_fully_replicated:
            return self._whole
        raise ArgumentError(
            where,
            expected="every array on the devices of the mesh, whole or in parts of that mesh",
            received=f"{path} on {_names(outside)}" if outside else f"{path} with {sharding}",
            fix="Move it: `jax.device_put(model, NamedSharding(mesh, PartitionSpec()))`, with "
            "another spec to keep it in parts.",
        )


def as_placement(where: str, mesh: Any) -> Placement:
    """Return where to train: on a mesh, or on the default device for None.

    Raises:
        ArgumentError: it is no mesh, or one of devices that cannot train.
    """
    return DEFAULT_DEVICE if mesh is None else MeshPlacement(where, mesh)


def _dense(leaf: Any) -> Any:
    return np.asarray(leaf) if isinstance(leaf, SparseRows) else leaf


def _copied(leaf: Any) -> Any:
    return leaf if isinstance(leaf, jax.Array) else np.array(leaf)


def _check_mesh(where: str, mesh: Any) -> None:
    if not isinstance(mesh, Mesh) or not mesh.axis_names:
        raise ArgumentError(
            where,
            expected="`mesh` to be a `jax.sharding.Mesh` with at least one axis, or None",
            received=f"mesh={describe(mesh)}",
            fix="Make one: `jax.make_mesh((jax.device_count(),), ('data',))`.",
        )
    devices = list(mesh.devices.flat)
    platform = jax.devices()[0].platform
    elsewhere = {device for device in devices if device.platform != platform}
    if elsewhere:
        raise ArgumentError(
            where,
            expected=f"a mesh of devices of the default platform, {platform}",
            received=f"mesh with {_names(elsewhere)}",
            fix="Make it of `jax.devices()`; `jax.config.update('jax_platforms', ...)`, before JAX "
            "is used, chooses the platform.",
        )
    foreign = {device for device in devices if device.process_index != jax.process_index()}
    if foreign:
        raise ArgumentError(
            where,
            expected="a mesh of devices of this process",
            received=f"mesh with {_names(foreign)} of another one",
            fix="Make it of `jax.local_devices()`; the trainer feeds the devices of one process.",
        )


def _is_same(mesh: Any, other: Mesh) -> bool:
    """Whether two meshes are the same devices under the same names."""
    return (
        isinstance(mesh, Mesh)
        and mesh.axis_names == other.axis_names
        and np.array_equal(mesh.devices, other.devices)
    )


def _names(devices: set[Any]) -> str:
    return ", ".join(sorted(map(str, devices)))


def _arrays(modules: Mapping[str, Module]) -> list[tuple[str, jax.Array]]:
    return [
        (f"{name}/{info.path}", info.value)
        for name, module in modules.items()
        for info in module.fields()
        if isinstance(info.value, jax.Array)
    ]


def _rewrite(modules: Mapping[str, Module], function: Callable[[str, Any], Any]) -> None:
    """Replace the data of modules, in place, by what a function of path and value returns."""

    def replaced(path: str, value: Any) -> Any:
        if is_leaf(value):
            return function(path, value)
        old = leaf_paths(path, value)
        new = [function(*pair) for pair in old]
        if all(leaf is pair[1] for leaf, pair in zip(new, old, strict=True)):
            return value
        return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(value), new)

    for name, module in modules.items():
        found = walk(module)
        pairs = zip(places(found.spec).slots, found.values(), strict=True)
        values = [replaced(f"{name}/{slot.path}", value) for slot, value in pairs]
        if any(new is not old for new, old in zip(values, found.values(), strict=True)):
            write_values(module, found, values)
