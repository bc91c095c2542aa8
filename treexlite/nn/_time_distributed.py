"""TimeDistributed: a layer at every step of a sequence.

What flows in: sequences. What flows out: what the layer makes of each step. Nothing is mutated but
the layer's own state. The steps are folded into the batch, so there is no loop, and statistics of a
batch are taken over batch and time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._inputs import as_array
from treexlite.nn._layer_list import described, is_layer


class TimeDistributed(Module):
    """Apply a layer to every step of a sequence, as if the steps were examples.

    Args:
        layer: a module or a function of a batch; its output has the batch first. It may return a
            tree of arrays.

    Shapes:
        x: `(batch, time, *rest)`; y: `(batch, time, *rest of the layer's output)`.

    State:
        None of its own.

    Raises:
        ArgumentError: `layer` is not callable, or is a class.
        ShapeError: `x` has fewer than two axes, or the layer does not keep the batch.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.TimeDistributed(tx.nn.Conv(4, (3, 3))).init(0, jnp.ones((1, 2, 8, 8, 3)))
        >>> model(jnp.ones((5, 10, 8, 8, 3))).shape
        (5, 10, 8, 8, 4)

    Reference:
        Keras's `TimeDistributed`, which loops over the steps: `BatchNorm` sees one step at a time
        there, and all of them here.
    """

    layer: Callable[..., Any]  # undeclared: a module is data, a function is structure

    def __init__(self, layer: Callable[..., Any]) -> None:
        if not is_layer(layer):
            raise ArgumentError(
                type(self).__name__,
                expected="`layer` to be a module or a function",
                received=described(layer),
                fix="Pass for example `TimeDistributed(tx.nn.Linear(8))`.",
            )
        self.layer = layer

    def __call__(self, x: jax.Array) -> Any:
        x = as_array(self, x)
        if x.ndim < 2:
            raise ShapeError(
                type(self).__name__,
                expected="`x` to have at least two axes, batch and time",
                received=f"x={describe(x)}",
                fix="Add a batch axis with `x[None]`.",
            )
        batch, time = x.shape[:2]
        y = self.layer(x.reshape(batch * time, *x.shape[2:]))  # (batch * time, *rest)
        return jax.tree_util.tree_map(lambda leaf: self._unfolded(leaf, batch, time), y)

    def _unfolded(self, y: jax.Array, batch: int, time: int) -> jax.Array:
        y = jnp.asarray(y)
        if y.shape[:1] != (batch * time,):
            raise ShapeError(
                type(self).__name__,
                expected=f"the layer to keep the batch of {batch} * {time} steps as first axis",
                received=f"layer(x)={describe(y)}",
                fix="Wrap a layer that works on examples one by one.",
            )
        return y.reshape(batch, time, *y.shape[1:])  # (batch, time, *rest)
