"""Residual: a layer and a way around it.

What flows in: what the layer takes. What flows out: the sum of its output and of the shortcut's.
Nothing is mutated but the state of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from treexlite._core import Module
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._inputs import as_array
from treexlite.nn._layer_list import described, is_layer


class Residual(Module):
    """Add the input to the output of a layer: `y = shortcut(x) + layer(x)`.

    Args:
        layer: a module or a function.
        shortcut: what the input passes through; None: nothing. A projection, for example
            `Linear(features)`, where the layer changes the shape.

    Shapes:
        x: what the layer takes, which gets all further arguments too; y: what it returns.
            `shortcut(x)` has the same shape.

    State:
        None of its own.

    Raises:
        ArgumentError: `layer` or `shortcut` is not callable, or is a class.
        ShapeError: the shortcut's output has another shape than the layer's.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Residual(tx.nn.Linear(3, kernel_init="ones")).init(0, jnp.ones((1, 3)))
        >>> model(jnp.array([[1.0, 2.0, 3.0]]))
        Array([[7., 8., 9.]], dtype=float32)

    Reference:
        He et al., Deep Residual Learning for Image Recognition (2015). Nothing is broadcast: a
        shape that differs is taken for a mistake.
    """

    layer: Callable[..., Any]  # undeclared: a module is data, a function is structure
    shortcut: Callable[..., Any] | None

    def __init__(
        self, layer: Callable[..., Any], shortcut: Callable[..., Any] | None = None
    ) -> None:
        for name, value in (("layer", layer), ("shortcut", shortcut)):
            if not is_layer(value) and (value is not None or name == "layer"):
                raise ArgumentError(
                    type(self).__name__,
                    expected=f"`{name}` to be a module or a function",
                    received=described(value),
                    fix="Pass for example `Residual(tx.nn.Linear(8))`; put several layers into a"
                    " `tx.nn.Sequential`.",
                )
        self.layer = layer
        self.shortcut = shortcut

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> jax.Array:
        around = as_array(self, x if self.shortcut is None else self.shortcut(x))
        through = as_array(self, self.layer(x, *args, **kwargs), "layer(x)")
        if around.shape != through.shape:
            own = "the input" if self.shortcut is None else "the shortcut's output"
            raise ShapeError(
                type(self).__name__,
                expected=f"{own} and the layer's output to have the same shape",
                received=f"{describe(around)}, and layer(x)={describe(through)}",
                fix=(
                    "Let the layer keep the shape, or pass a `shortcut` that changes it alike,"
                    " for example `shortcut=tx.nn.Linear(features, use_bias=False)`."
                ),
            )
        return around + through
