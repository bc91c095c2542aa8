"""How a layer creates its arrays during `init`.

A layer calls `create` for each of its fields, in the same order every time, whenever it runs while
`init` is tracing. Fields that have a value (assigned, loaded, or created by an earlier call of a
shared layer) keep it. Every call counts a key, whether it needs one or not, so that setting the
kernel by hand does not change what the bias becomes; a key that nobody needs is not made.
"""

from __future__ import annotations

from typing import Any

import jax

from treexlite._core import Initializer, Module, next_key
from treexlite._core._lazy import is_lazy
from treexlite._core._random import skip_key
from treexlite.nn._initializers import InitFunction, draw, is_random


def create(
    module: Module, name: str, initializer: str | InitFunction, shape: tuple[int, ...], dtype: Any
) -> None:
    """Give the field `name` of `module` its first value, unless it has one."""
    missing = is_lazy(getattr(module, name))
    key = None
    if missing and is_random(initializer):
        key = next_key()
    else:
        skip_key()
    if missing:
        setattr(module, name, draw(type(module).__name__, initializer, shape, dtype, key))


def fill(module: Module, name: str) -> None:
    """Replace an `Initializer` in the field `name`.

    `init` does so when it starts, and when a module is called. A method that is no call, of a layer
    that was constructed inside a compact method, comes before both.
    """
    key = next_key()
    value = getattr(module, name)
    if type(value) is Initializer:
        setattr(module, name, value.f(key))


def same_key(key: jax.Array) -> jax.Array:
    """Return `key`: the `Initializer` function of a field that holds a key."""
    return key
