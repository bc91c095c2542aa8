"""`tx.vmap`: run a function for many lanes at once; what it changes is changed afterwards.

A module in the arguments is mapped along one axis, or shared by all lanes, or by kind some of both.
Fields that are mapped come back mapped. A shared field may be written if all lanes write the same
(a counter, a mean over lanes by `jax.lax.pmean`); else the call is refused, because it cannot be
said which lane should win. Keys in shared `Rng` fields are split, one for each lane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._context import current_init
from treexlite._core._calls import lazy_fields
from treexlite._core._tree import modules
from treexlite._errors import InitializationError, MappedWriteError
from treexlite.transforms._aside import Aside
from treexlite.transforms._axes import ArgumentAxes
from treexlite.transforms._callable import Transform
from treexlite.transforms._flat import Flat
from treexlite.transforms._lanes import laned, rng_slots
from treexlite.transforms._lift import Inside, commit, filled
from treexlite.transforms._outputs import Sorted, Sorter, Value
from treexlite.transforms._pack import Packed, pack
from treexlite.transforms._static_arguments import StaticArguments, Statics, restore


class Mapped(Transform):
    """A function that runs for many lanes at once; see `vmap`."""

    name = "vmap"
    key_axis: int | None = 0

    def __init__(
        self,
        f: Any,
        in_axes: Any,
        out_axes: Any,
        axis_size: int | None,
        split_rngs: bool,
        options: dict[str, Any],
        static: int | Sequence[int] = (),
    ) -> None:
        super().__init__(f)
        self.in_axes = in_axes
        self.out_axes = out_axes
        self.axis_size = axis_size
        self.split_rngs = split_rngs
        self.options = options
        self.static = StaticArguments(self.name, self.function, static, (), self.num_known)

    def axes(self, packed: Packed) -> ArgumentAxes:
        """Return the axes of one call."""
        return ArgumentAxes(self.name, packed, self.in_axes, self.num_known, self.known_names)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function for all lanes, and write what it changed."""
        args, kwargs, statics = self.static.split(args, kwargs)
        packed = pack(args, kwargs)
        axes = self.axes(packed)
        if current_init() is not None:
            self._create(packed, axes, statics)
            packed = pack(args, kwargs)
            axes = self.axes(packed)
        size = self.num_lanes(axes)
        keyed = [slot for slot in rng_slots(packed) if axes.slots[slot] is None]
        if not self.split_rngs or size is None:
            keyed = []
        leaves, advanced = laned(packed.leaves, keyed, size or 0)
        in_axes = [self.key_axis if n in keyed else axis for n, axis in enumerate(axes.slots)]
        flat = Flat(self.function, packed, statics)
        lane = self.lane(flat, Sorter(self.name, packed, axes, self.out_axes, keyed))
        arrays = flat.arrays(packed)
        try:
            call = self.transform(lane, (in_axes, axes.arrays))
            groups, node = call(leaves, arrays)
        except ValueError:
            if lane.sorted is None:
                raise
            error = self._explain(lane, axes, in_axes, (leaves, arrays))
            if error is None:
                raise
            raise error from None
        result: Sorted = node.value
        return commit(packed, result.payload(groups, advanced), result.effect)

    def lane(self, flat: Flat, sorter: Sorter) -> Lane:
        """Return the function of one lane."""
        return Lane(flat, sorter)

    def num_lanes(self, axes: ArgumentAxes) -> int | None:
        """Return how many lanes there are, if that can be known."""
        return axes.size if self.axis_size is None else self.axis_size

    def transform(self, lane: Lane, in_axes: Any) -> Any:
        """Return the transformed function of `(leaves, arrays)`."""
        return self.lanes(lane, in_axes, (tuple(lane.sorter.axes), None))

    def lanes(self, function: Callable[..., Any], in_axes: Any, out_axes: Any) -> Any:
        """Apply the JAX transformation, which refuses shared values that differ between lanes."""
        return jax.vmap(
            function,
            in_axes=in_axes,
            out_axes=out_axes,
            axis_size=self.axis_size,
            **self.options,
        )

    def _explain(self, lane: Lane, axes: ArgumentAxes, in_axes: Any, data: Any) -> Exception | None:
        """Find the first value that should be equal in all lanes and is not."""
        assert lane.sorted is not None
        shared = [
            value
            for value in lane.sorted.values
            if value.slot is None
            for axis in value.axes  # one for each leaf, so the number says which value it is
            if axis is None
        ]
        for number, value in enumerate(shared):

            def one(leaves: Any, arrays: Any, number: int = number) -> Any:
                return lane(leaves, arrays)[0][-1][number]

            try:
                jax.eval_shape(self.lanes(one, (in_axes, axes.arrays), None), *data)
            except ValueError:
                return different(self.name, axes.argument, value)
        return None

    def _create(self, packed: Packed, axes: ArgumentAxes, statics: Statics) -> None:
        """Run the first lane inside `init`, which creates what the modules still lack."""
        for root, entry in zip(packed.roots, axes.roots, strict=True):
            for path, module in modules(root):
                if entry is not None and lazy_fields(module):
                    name = type(module).__name__
                    raise InitializationError(
                        self.name,
                        expected="mapped modules to be initialised",
                        received=f"{name}{f' at {path}' if path else ''} without its fields",
                        fix="Make them mapped: `tx.vmap(lambda key: module.init(key, x))(keys)`.",
                    )
        if not packed.roots:
            return
        flat = Flat(self.function, packed, statics)
        arrays = map(_first, flat.arrays(packed), axes.arrays)
        copies = Inside(packed.key, list(map(_first, packed.leaves, axes.slots))).roots
        roots = [
            own if entry is None else copy
            for own, copy, entry in zip(packed.roots, copies, axes.roots, strict=True)
        ]
        args, kwargs = restore(filled(flat.arguments(list(arrays)), roots), statics)
        self.function(*args, **kwargs)


def _first(tree: Any, axis: int | None) -> Any:
    if axis is None:
        return tree

    def slice_of(leaf: Any) -> jax.Array:
        if jnp.shape(leaf)[axis]:
            return jnp.take(leaf, 0, axis=axis)
        # Without any lane, the shape of one is still enough.
        shape = list(leaf.shape)
        del shape[axis]
        return jnp.zeros(shape, leaf.dtype)

    return jax.tree_util.tree_map(slice_of, tree)


class Lane:
    """The function of one lane; remembers how its last trace was sorted."""

    def __init__(self, flat: Flat, sorter: Sorter) -> None:
        self.flat, self.sorter = flat, sorter
        self.sorted: Sorted | None = None

    def __call__(self, leaves: Any, arrays: Any) -> Any:
        groups, self.sorted = self.sorter.sort(*self.flat(leaves, arrays))
        return groups, Aside(self.sorted)


def different(where: str, argument: str, value: Value) -> MappedWriteError:
    """Build the error for a value that should be equal in all lanes and is not."""
    if value.kind is None:
        fix = f"Map it in `{argument.replace('in_', 'out_')}`, or return what the lanes agree on."
    else:
        kind = "..." if value.kind is NoneType else _named(value.kind)
        axis = "0" if argument == "in_axes" else "P('data')"
        rest = "" if kind == "..." else ", ...: None"
        fix = (
            f"Map it, by kind for example: `{argument}={{{kind}: {axis}{rest}}}` for that module;"
            " or write what all lanes agree on: `jax.lax.pmean(value, axis_name)`."
        )
    return MappedWriteError(
        where,
        expected=f"{value.name}, which is not mapped, to be the same in every lane",
        received="a value that differs from lane to lane",
        fix=fix,
    )


def _named(kind: type) -> str:
    """Return how a user writes a kind: those of the library have a prefix, others have none."""
    own = kind.__module__.partition(".")[0] == __name__.partition(".")[0]
    return f"tx.{kind.__name__}" if own else kind.__name__


def vmap(
    f: Any = None,
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_name: Any = None,
    axis_size: int | None = None,
    *,
    split_rngs: bool = True,
    **options: Any,
) -> Any:
    """Return `f` for many lanes at once, as `jax.vmap` does, keeping what `f` changes.

    Args:
        f: a function, a method in a class body, a bound method or a module; left out when used as
            `@tx.vmap(in_axes=...)`.
        in_axes: one axis for all positional arguments, or a tuple with one for each: an int, None
            (shared by all lanes), a tree of them, or for a module a dict from kinds to axes, in
            which the most specific kind wins and `...` stands for the rest (None where nothing
            fits). The `self` of a bound method or module, and what a partial function has already,
            is shared and not counted; keyword arguments are mapped over axis 0, but numbers among
            them are shared.
        out_axes: the axes of the output; for new modules in it, a dict from kinds is possible. A
            returned module that was an argument comes back as that same object.
        axis_name: a name for the lanes, for `jax.lax.pmean` and the like.
        axis_size: how many lanes; needed only when nothing is mapped.
        split_rngs: whether keys in shared `Rng` fields are split, one for each lane, and advanced
            once if a lane advanced them. `False`: all lanes see the same key.
        options: passed to `jax.vmap` (`spmd_axis_name`).

    Returns:
        A callable with the signature of `f`.

    Raises:
        MappedWriteError: a field that is not mapped was given values that differ between lanes.
        ShapeError: an array lacks the axis, or mapped axes have different sizes.
        ArgumentError: the axes do not fit the arguments.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> x = jnp.ones((1, 3))
        >>> models = tx.vmap(lambda key: tx.nn.Linear(2).init(key, x))(
        ...     jax.random.split(jax.random.key(0), 5)
        ... )
        >>> models.kernel.shape
        (5, 3, 2)
        >>> tx.vmap(lambda model, x: model(x), in_axes=(0, None))(models, x).shape
        (5, 1, 2)
    """
    options["axis_name"] = axis_name

    def wrap(function: Any) -> Mapped:
        return Mapped(function, in_axes, out_axes, axis_size, split_rngs, options)

    return wrap if f is None else wrap(f)
