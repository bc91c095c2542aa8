"""Lambda and Identity: a function as a layer, and the function that does nothing.

What flows in and out is decided by the function. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treexlite._core import Module
from treexlite._errors import ArgumentError, describe


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


class Identity(Module):
    """Return the input as it is: the layer to put where there should be none.

    Shapes:
        x, y: any; `x` may be any value.

    State:
        None.

    Example:
        >>> import treexlite as tx
        >>> tx.nn.Identity()(3)
        3

    Reference:
        Unlike PyTorch's, it takes no arguments that it ignores.
    """

    def __call__(self, x: Any) -> Any:
        return x
