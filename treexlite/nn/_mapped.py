"""Mapped: a layer along an axis, with the same parameters at every place.

What flows in: an array. What flows out: what the layer makes of each slice. What may mutate: the
layer's state, where all slices agree on it; keys are split, one for each slice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import int_axis
from treexlite.nn._inputs import as_array
from treexlite.nn._layer_list import described, is_layer
from treexlite.transforms import vmap


class Mapped(Module):
    """Apply a layer to every slice along an axis, with shared parameters, by `tx.vmap`.

    Args:
        layer: a module or a function; it does not see the axis.
        axis: the axis of `x` that is taken away.
        out_axis: where it stands in the output; None: at `axis`.
        axis_name: a name for the slices, for `jax.lax.pmean` and layers with an `axis_name`.

    Shapes:
        x: with `axis`, and without it what the layer takes; y: what the layer returns, with the
            axis at `out_axis`. Further arguments go to the layer unchanged.

    State:
        None of its own. A key is split, so that each slice has other noise, and advances once.

    Raises:
        ArgumentError: `layer` is not callable or is a class, or an axis is no integer.
        ShapeError: `x` does not have the axis.
        MappedWriteError: the layer writes state that differs between the slices, as `BatchNorm`
            does in training mode, unless it knows the `axis_name`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> mix = tx.nn.Mapped(tx.nn.Linear(7), axis=-1).init(0, jnp.ones((2, 4, 3)))
        >>> mix.layer.kernel.shape, mix(jnp.ones((2, 4, 3))).shape
        ((4, 7), (2, 7, 3))

    Reference:
        `nnx.vmap` and `linen.vmap` with parameters that are broadcast. `TimeDistributed` folds the
        axis into the batch instead.
    """

    layer: Callable[..., Any]  # undeclared: a module is data, a function is structure
    axis: int = static()
    out_axis: int = static()
    axis_name: Any = static()

    def __init__(
        self,
        layer: Callable[..., Any],
        axis: int,
        *,
        out_axis: int | None = None,
        axis_name: Any = None,
    ) -> None:
        where = type(self).__name__
        if not is_layer(layer):
            raise ArgumentError(
                where,
                expected="`layer` to be a module or a function",
                received=described(layer),
                fix="Pass for example `Mapped(tx.nn.Linear(8), axis=1)`.",
            )
        self.layer = layer
        self.axis = int_axis(where, "axis", axis)
        self.out_axis = self.axis if out_axis is None else int_axis(where, "out_axis", out_axis)
        self.axis_name = axis_name

    def __call__(self, x: jax.Array, *args: Any) -> Any:
        x = as_array(self, x)
        if not -x.ndim <= self.axis < x.ndim:
            raise ShapeError(
                type(self).__name__,
                expected=f"`x` to have an axis {self.axis}",
                received=f"x={describe(x)}",
                fix="Choose an axis of the input; negative ones count from the last.",
            )
        shared = (None,) * len(args)
        return vmap(
            _call,
            in_axes=(None, self.axis, *shared),
            out_axes=self.out_axis,
            axis_name=self.axis_name,
        )(self.layer, x, *args)


def _call(layer: Any, *args: Any) -> Any:
    return layer(*args)
