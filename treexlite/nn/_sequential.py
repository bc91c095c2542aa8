"""Sequential: layers that are called one after the other.

What flows in and out is decided by the layers. Nothing is mutated by a call but their own state.
"""

from __future__ import annotations

from typing import Any

from treexlite._errors import ArgumentError
from treexlite.nn._layer_list import Entry, LayerList, pairs


class Sequential(LayerList):
    """Call layers one after the other, each with the output of the one before.

    It is indexed, cut and changed like a list: `model[-1]`, `model[:2]`, `model[-1] = layer`,
    `del model[0]`, `append`, `extend`, `insert`. With names, `model["head"]` and `model.head` are
    the layer, and paths read `layers/head/kernel`. A new layer is lazy until the next `init`, which
    leaves the others as they are, and keeps the modes it came with.

    Args:
        *layers: modules and plain functions; or `(name, layer)` pairs, or a dict of layers. Without
            any, the input is returned.
        **named: layers with names, in order.

    Shapes:
        x: what the first layer takes, which gets all further arguments too; y: what the last one
            returns.

    State:
        None of its own.

    Raises:
        ArgumentError: a layer is not callable, or is a class; some have names and others have none;
            a name is used twice, is empty or has a slash.
        UnknownNameError: no layer has that name.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Sequential(tx.nn.Linear(8), jax.nn.relu, tx.nn.Linear(2))
        >>> model = model.init(0, jnp.ones((1, 3)))
        >>> len(model), model[0].kernel.shape, model[:2](jnp.ones((5, 3))).shape
        (3, (3, 8), (5, 8))
        >>> model = tx.nn.Sequential(stem=tx.nn.Linear(8), head=tx.nn.Linear(2))
        >>> model = model.init(0, jnp.ones((1, 3)))
        >>> list(model.state_dict("**/kernel")), model.head.kernel.shape
        (['layers/stem/kernel', 'layers/head/kernel'], (8, 2))

    Reference:
        The first layer alone gets further arguments, as in Flax. Unlike there, a tuple is passed on
        as one value and not spread over several arguments.
    """

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.layers and (args or kwargs):
            raise ArgumentError(
                type(self).__name__,
                expected="one input, because there are no layers to take more",
                received=f"{1 + len(args) + len(kwargs)} arguments",
                fix="Append a layer that takes them, for example `tx.nn.Add()`.",
            )
        for layer in self:
            x = layer(x, *args, **kwargs)
            args, kwargs = (), {}
        return x

    def _part(self, entries: list[Entry]) -> Sequential:
        return Sequential(*pairs(entries))
