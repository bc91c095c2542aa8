"""`tx.pmap`: one lane for each device, compiled; what the function changes is changed afterwards.

The rules are those of `tx.vmap`. `jax.jit` with shardings, or `tx.shard_map`, is the newer way to
use many devices; `pmap` is here for code that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from treexlite._core._statics import Static
from treexlite.transforms._pack import remember
from treexlite.transforms._vmap import Lane, Mapped


class ParallelMapped(Mapped):
    """A function that runs on many devices at once; see `pmap`."""

    name = "pmap"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parallel: dict[str, Any] = {}
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def transform(self, lane: Lane, in_axes: Any) -> Any:
        """Return the compiled function of `(leaves, arrays)`, made once for each structure.

        `jax.pmap` does not check that what is not mapped is the same on all devices; `jax.vmap`
        does, and has the same meaning, so the function is traced by that first.
        """
        flat = lane.flat
        opaque = tuple((n, Static(value)) for n, value in flat.opaque.items())
        axes = (*in_axes[0], *in_axes[1])
        key = (flat.key, flat.treedef, flat.statics, opaque, axes, tuple(lane.sorter.keyed))
        known = self._compiled.get(key)
        if known is not None:
            return known
        checked = super().transform(lane, in_axes)
        compiled = jax.pmap(
            lane,
            in_axes=in_axes,
            out_axes=(tuple(lane.sorter.axes), None),
            axis_size=self.axis_size,
            **self.options,
            **self.parallel,
        )

        def first(leaves: Any, arrays: Any) -> Any:
            jax.eval_shape(checked, leaves, arrays)
            remember(self._compiled, key, compiled)
            return compiled(leaves, arrays)

        return first


def pmap(
    f: Any = None,
    axis_name: Any = None,
    *,
    in_axes: Any = 0,
    out_axes: Any = 0,
    static_broadcasted_argnums: int | Sequence[int] = (),
    axis_size: int | None = None,
    split_rngs: bool = True,
    **options: Any,
) -> Any:
    """Return `f` for many devices at once, as `jax.pmap` does, keeping what `f` changes.

    Args:
        f: a function, a method in a class body, a bound method or a module; left out when used as
            a decorator with options.
        axis_name: a name for the devices, for `jax.lax.pmean` and the like.
        in_axes: axes of the arguments, for modules also by kind; see `vmap`.
        out_axes: axes of the output; see `vmap`.
        static_broadcasted_argnums: positions of arguments that are part of the program.
        axis_size: how many devices; needed only when nothing is mapped.
        split_rngs: whether keys in shared `Rng` fields are split, one for each device.
        options: passed to `jax.pmap` (`devices`, `backend`).

    Returns:
        A callable with the signature of `f`.

    Raises:
        MappedWriteError: a field that is not mapped was given values that differ between devices.
        ShapeError: an array lacks the axis, or mapped axes have different sizes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> tx.pmap(model)(jnp.ones((1, 4, 3))).shape
        (1, 4, 2)
    """

    def wrap(function: Any) -> ParallelMapped:
        mapped = ParallelMapped(
            function,
            in_axes,
            out_axes,
            axis_size,
            split_rngs,
            {"axis_name": axis_name},
            static_broadcasted_argnums,
        )
        mapped.parallel = options
        return mapped

    return wrap if f is None else wrap(f)
