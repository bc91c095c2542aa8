"""Many modules of one description: checked when it is passed, and made as one stacked module.

In: a module that is not initialised. Out, during `init`: one module whose arrays have a leading
axis, a slice for each copy, and every copy has values of its own. `Repeated` runs its copies one
after the other, `MoE` side by side.
"""

from __future__ import annotations

from typing import Any

import jax

from treexlite._context import current_init
from treexlite._core import Module, next_key
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, describe
from treexlite.transforms import vmap


def description(where: str, name: str, value: Any, instead: str) -> Module:
    """Return the argument `name`, a module without data.

    Args:
        where: the layer that it belongs to.
        name: of the argument.
        value: of the argument.
        instead: what to do for modules that exist, the end of a sentence.

    Raises:
        ArgumentError: it is no module, or has data.
    """
    received = None
    if not is_module(value):
        received = describe(value)
    else:
        received = next((f"one with data in `{field.path}`" for field in value.fields()), None)
    if received is not None:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a module that is not initialised",
            received=received,
            fix=f"Pass a description such as `tx.nn.Linear(8)`; for {name}s that exist, {instead}.",
        )
    found: Module = value
    return found


def create_copies(module: Any, name: str, num: int, inputs: tuple[Any, ...]) -> None:
    """Replace the description in the attribute `name` by `num` modules in one, unless it has data.

    Args:
        module: the layer, which runs during `init`.
        name: of its attribute.
        num: how many.
        inputs: what each of them is called with.
    """
    one = current_init().pristine(getattr(module, name))
    # Else `init` is called again on what has its data, all that it is ever going to have.
    if not any(True for _ in one.fields()):
        keys = jax.random.split(next_key(), num)
        setattr(module, name, vmap(lambda key: one.init(key, inputs))(keys))
