"""Parallel: layers side by side, that all get the same input.

What flows in goes to every layer. What flows out: their outputs, as a list, a dict, or merged into
one array. Nothing is mutated by a call but the layers' own state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treexlite._errors import ArgumentError, unknown_name
from treexlite.nn._concatenate import Concatenate, Stack
from treexlite.nn._layer_list import Entry, LayerList, described, is_layer, pairs
from treexlite.nn._merge import (
    Add,
    Average,
    Maximum,
    Merge,
    Minimum,
    Multiply,
)

_BY_NAME: dict[str, type[Merge]] = {
    "concat": Concatenate,
    "max": Maximum,
    "mean": Average,
    "min": Minimum,
    "product": Multiply,
    "stack": Stack,
    "sum": Add,
}


class Parallel(LayerList):
    """Call every layer with the same input, and return all outputs or merge them.

    It is indexed, named and changed like `Sequential`.

    Args:
        *layers: modules and plain functions; or `(name, layer)` pairs, or a dict of layers.
        merge: what to do with the outputs. None: return a list of them, or a dict when the layers
            have names. "concat" and "stack" along the last axis, "sum", "mean", "product", "max",
            "min". A function or a layer is called with one argument for each output, for example
            `Concatenate(axis=1)`.
        **named: layers with names, in order.

    Shapes:
        x: what all layers take, which get all further arguments too; y: what they return; merged,
            what the merge layer of that name returns.

    State:
        None of its own.

    Raises:
        ArgumentError: a layer or `merge` is not callable, or is a class; some have names and others
            have none; a name is used twice, is empty or has a slash.
        UnknownNameError: no layer, or no way to merge, has that name.
        ShapeError: the outputs do not fit together.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Parallel(mean=tx.nn.Linear(2), scale=tx.nn.Linear(3))
        >>> model = model.init(0, jnp.ones((1, 4)))
        >>> {name: y.shape for name, y in model(jnp.ones((5, 4))).items()}
        {'mean': (5, 2), 'scale': (5, 3)}
        >>> tx.nn.Parallel(jnp.sin, jnp.cos, merge="concat")(jnp.ones((5, 4))).shape
        (5, 8)

    Reference:
        The branches of Szegedy et al., Going Deeper with Convolutions (2015).
    """

    merging: Any  # undeclared: a module is data, a function is structure

    def __init__(
        self,
        *layers: Any,
        merge: str | Callable[..., Any] | None = None,
        **named: Any,
    ) -> None:
        super().__init__(*layers, **named)
        self.merging = _merging(type(self).__name__, merge)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outputs = [layer(*args, **kwargs) for layer in self]
        if self.merging is not None:
            return self.merging(*outputs)
        if isinstance(self.layers, dict):
            return dict(zip(self.layers, outputs, strict=True))
        return outputs

    def _part(self, entries: list[Entry]) -> Parallel:
        return Parallel(*pairs(entries), merge=self.merging)


def _merging(where: str, merge: Any) -> Any:
    if isinstance(merge, str):
        if merge not in _BY_NAME:
            raise unknown_name(where, "a way to merge", merge, _BY_NAME)
        return _BY_NAME[merge]()
    if merge is not None and not is_layer(merge):
        raise ArgumentError(
            where,
            expected="`merge` to be a name, a module, a function, or None",
            received=described(merge),
            fix='Pass for example `merge="concat"` or `merge=tx.nn.Concatenate(axis=1)`.',
        )
    return merge
