"""`compact_module`: a function whose inline submodules are kept, as a module class."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from treexlite._core._class import ModuleMeta
from treexlite._core._compact import compact
from treexlite._core._module import Module


def compact_module(f: Callable[..., Any]) -> type[Module]:
    """Turn a function that constructs modules inline into a `Module` class.

    Args:
        f: called with what the module is called with.

    Returns:
        A class whose instances call `f` and keep the submodules that it constructs.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> @tx.compact_module
        ... def Head(x):
        ...     return tx.nn.Linear(2)(x)
        >>> head = Head().init(0, jnp.ones((1, 3)))
        >>> head.linear.kernel.shape
        (3, 2)
    """

    @functools.wraps(f)
    def __call__(self: Module, *args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs)

    __call__.__name__ = "__call__"
    body = {"__call__": compact(__call__), "__doc__": f.__doc__, "__module__": f.__module__}
    return ModuleMeta(f.__name__, (Module,), body)
