"""Sequential and Lambda: layers made of layers and functions.

What flows in and out is decided by the parts. Nothing is mutated but the parts' own state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, overload

from treexlite._core import Module
from treexlite._core._record import change_modes
from treexlite._errors import ArgumentError, describe


class Sequential(Module):
    """Call layers one after the other, each with the output of the one before.

    Args:
        *layers: modules and plain functions of one argument. Without any, the input is returned.

    Shapes:
        x: what the first layer takes; y: what the last one returns.

    State:
        None of its own.

    Raises:
        ArgumentError: a layer is not callable, or is a class.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Sequential(tx.nn.Linear(8), jax.nn.relu, tx.nn.Linear(2))
        >>> model = model.init(0, jnp.ones((1, 3)))
        >>> len(model), model[0].kernel.shape, model[:2](jnp.ones((5, 3))).shape
        (3, (3, 8), (5, 8))

    Reference:
        Unlike Flax's, a tuple is passed on as one value and not spread over several arguments.
    """

    layers: list[Any]  # undeclared: a list of modules is data, one of functions alone is structure

    def __init__(self, *layers: Callable[..., Any]) -> None:
        for position, layer in enumerate(layers):
            if not _is_layer(layer):
                raise ArgumentError(
                    type(self).__name__,
                    expected=f"layer {position} to be a module or a function",
                    received=_described(layer),
                    fix="Pass the layers one by one: `Sequential(a, b)`, or `Sequential(*layers)`.",
                )
        self.layers = list(layers)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    def __getitem__(self, index: int | slice) -> Any:
        """Return one layer, or a `Sequential` of several; the layers are shared, not copied."""
        if not isinstance(index, slice):
            return self.layers[index]
        part = Sequential(*self.layers[index])
        change_modes(part, training=self.training, frozen=self.frozen)
        return part


class Lambda(Module):
    """Make a layer of a function, so that it has a name in tables and can be replaced.

    Args:
        f: the function. What it closes over is structure; arrays that train belong in a module.

    Shapes:
        As those of `f`.

    State:
        None.

    Raises:
        ArgumentError: `f` is not callable.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.Lambda(lambda x: 2 * x)(jnp.array([1.0, 2.0]))
        Array([2., 4.], dtype=float32)
    """

    f: Callable[..., Any]  # undeclared: a function is structure, a module is data

    def __init__(self, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise ArgumentError(
                type(self).__name__,
                expected="a function",
                received=f"f={describe(f)}",
                fix="Pass a function, for example `Lambda(lambda x: x / 255)`.",
            )
        self.f = f

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.f(*args, **kwargs)


def _is_layer(value: Any) -> bool:
    return callable(value) and not isinstance(value, type)


def _described(layer: Any) -> str:
    return f"the class {layer.__name__}" if isinstance(layer, type) else f"a {type(layer).__name__}"
