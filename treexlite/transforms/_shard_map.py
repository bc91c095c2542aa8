"""`tx.shard_map`: the same program on every device of a mesh, each with its part of the data.

Every array is divided as its `PartitionSpec` says; a module takes one spec for all its data, or one
by kind. What the function writes to a field is divided as the field was. A field that all devices
share may be written if all write the same (`jax.lax.pmean`). Keys in shared `Rng` fields are split,
one for each device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import PartitionSpec

from treexlite._errors import ArgumentError
from treexlite.transforms._axes import ArgumentAxes, is_kinds
from treexlite.transforms._flat import Flat
from treexlite.transforms._lanes import folded
from treexlite.transforms._outputs import Sorter
from treexlite.transforms._pack import Packed
from treexlite.transforms._vmap import Lane, Mapped

SHARED = PartitionSpec()


class ArgumentSpecs(ArgumentAxes):
    """The specs of one call, with None for what is not divided."""

    argument = "in_specs"
    by_name = None

    def checked(self, name: str, leaf: Any, axis: Any) -> Any:
        """Return the spec of one array."""
        if is_kinds(axis) or isinstance(axis, int):
            raise ArgumentError(
                self.where,
                expected="a `jax.sharding.PartitionSpec` or None for what is not a module",
                received=f"in_specs={axis!r} for {name}",
                fix="Give one spec for each argument: `in_specs=(P(), P('data'))`.",
            )
        return None if axis == SHARED else axis


class ShardMapped(Mapped):
    """A function that runs on every device of a mesh; see `shard_map`."""

    name = "shard_map"
    key_axis = None

    def __init__(self, f: Any, mesh: Any, specs: tuple[Any, Any], *rest: Any) -> None:
        check, split_rngs, options = rest
        super().__init__(f, specs[0], specs[1], None, split_rngs, options)
        self.mesh, self.check = mesh, check

    def axes(self, packed: Packed) -> ArgumentAxes:
        """Return the specs of one call."""
        return ArgumentSpecs(self.name, packed, self.in_axes, self.num_known, self.known_names)

    def _mesh(self) -> Any:
        return jax.sharding.get_abstract_mesh() if self.mesh is None else self.mesh

    def _names(self) -> tuple[Any, ...]:
        manual = self.options.get("axis_names")
        return tuple(n for n in self._mesh().axis_names if not manual or n in manual)

    def num_lanes(self, axes: ArgumentAxes) -> int | None:
        """Return 1: one key goes in, and each device folds its number into it."""
        return 1

    def lane(self, flat: Flat, sorter: Sorter) -> Lane:
        """Return the function of one device."""
        return _DeviceLane(flat, sorter, self._names())

    def lanes(self, function: Callable[..., Any], in_axes: Any, out_axes: Any) -> Any:
        """Apply the JAX transformation."""
        is_leaf: Callable[[Any], bool] = lambda s: s is None or isinstance(s, PartitionSpec)  # noqa: E731
        in_specs, out_specs = jax.tree_util.tree_map(
            lambda spec: SHARED if spec is None else spec, (in_axes, out_axes), is_leaf=is_leaf
        )
        return _shard_map(
            function,
            mesh=self.mesh,
            in_specs=in_specs,
            out_specs=out_specs,
            check=self.check,
            **self.options,
        )


class _DeviceLane(Lane):
    """A lane that makes its own keys from the one that all devices get."""

    def __init__(self, flat: Flat, sorter: Sorter, names: tuple[Any, ...]) -> None:
        super().__init__(flat, sorter)
        self.names = names

    def __call__(self, leaves: Any, arrays: Any) -> Any:
        own = [
            folded(leaf[0], jax.lax.axis_index(self.names)) if n in self.sorter.keyed else leaf
            for n, leaf in enumerate(leaves)
        ]
        return super().__call__(own, arrays)


def _shard_map(f: Callable[..., Any], *, mesh: Any, check: bool, **options: Any) -> Any:
    if hasattr(jax, "shard_map"):
        return jax.shard_map(f, mesh=mesh, check_vma=check, **options)
    from jax.experimental.shard_map import shard_map as older  # before JAX 0.6

    return older(f, mesh, check_rep=check, **options)


def shard_map(
    f: Any = None,
    *,
    in_specs: Any,
    out_specs: Any,
    mesh: Any = None,
    check_vma: bool = True,
    split_rngs: bool = True,
    **options: Any,
) -> Any:
    """Return `f` as one program for each device of `mesh`, keeping what `f` changes.

    Args:
        f: a function, a method in a class body, a bound method or a module; left out when used as
            a decorator.
        in_specs: a `jax.sharding.PartitionSpec` for all positional arguments, or a tuple with one
            for each (a tree of them, or for a module a dict from kinds to specs, `...` for the
            rest). None means not divided, as do keyword arguments and the `self` of a bound method.
        out_specs: the specs of the output.
        mesh: a `jax.sharding.Mesh`; by default that of the context (`jax.set_mesh`).
        check_vma: whether JAX proves that what is not divided is the same on all devices.
        split_rngs: whether keys in undivided `Rng` fields are split, one for each device.
        options: passed to `jax.shard_map` (`axis_names`).

    Returns:
        A callable with the signature of `f`.

    Raises:
        MappedWriteError: an undivided field was given values that differ between devices.
        ArgumentError: the specs do not fit the arguments.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> from jax.sharding import PartitionSpec as P
        >>> mesh = jax.sharding.Mesh(jax.devices()[:1], ("data",))
        >>> model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> f = tx.shard_map(model, mesh=mesh, in_specs=P("data"), out_specs=P("data"))
        >>> f(jnp.ones((4, 3))).shape
        (4, 2)

    Reference:
        `jax.shard_map`.
    """

    def wrap(function: Any) -> ShardMapped:
        return ShardMapped(function, mesh, (in_specs, out_specs), check_vma, split_rngs, options)

    return wrap if f is None else wrap(f)
