"""Caches of a whole model: begin to decode, and end.

In: a model that is called once for a whole sequence. Between `start_cache` and `clear_cache` the
same model is called with a few positions at a time, and its layers remember those before. Both
mutate the model in place, and ask every module that has the method of the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from treexlite._core import Cache, Module
from treexlite._errors import ArgumentError


def start_cache(
    model: Module, batch_size: int | Sequence[int], max_length: int | None = None
) -> None:
    """Make every layer of `model` remember the positions of earlier calls, in place.

    A first call may bring many positions (the prompt), the others usually one. Together they give
    what one call over everything gives. A module with a method `start_cache` is asked itself, and
    answers for the modules inside it. Attention that is not causal is left as it is: encoders and
    cross-attention do not decode.

    Args:
        model: an initialised model.
        batch_size: the batch axis of the inputs, or a tuple of several.
        max_length: how many positions there is room for; only attention layers need to know.

    Raises:
        ArgumentError: no layer of `model` remembers anything, or an argument is outside its range.
        NotInitializedError: a layer has no parameters yet.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(0, 1, 24).reshape(1, 3, 8)
        >>> model = tx.nn.Sequential(tx.nn.MultiHeadAttention(2, causal=True)).init(0, x)
        >>> whole = model(x)
        >>> tx.nn.start_cache(model, 1, 3)
        >>> steps = [model(x[:, t : t + 1]) for t in range(3)]
        >>> tx.nn.clear_cache(model)
        >>> bool(jnp.allclose(jnp.concatenate(steps, 1), whole, atol=1e-6))
        True
    """
    for module in _keepers(model):
        module.start_cache(batch_size, max_length)
    if not any(True for _ in model.fields(Cache)):
        raise ArgumentError(
            "start_cache",
            expected="a model with a layer that can decode",
            received=f"a {type(model).__name__} without any",
            fix="Decoding needs attention with causal=True, or a recurrent layer.",
        )


def clear_cache(model: Module) -> None:
    """Make every layer of `model` forget earlier calls, in place; calls are independent again."""
    for module in _keepers(model):
        module.clear_cache()


def keeps_cache(model: Module) -> bool:
    """Whether `start_cache` has a module to ask."""
    return bool(_keepers(model))


def _keepers(model: Module) -> list[Any]:
    """Return the outermost modules that can keep a cache, each once."""
    found: list[Any] = []
    inside: list[str] = []
    for path, module in model.modules():
        if any(path.startswith(prefix) for prefix in inside):
            continue
        if hasattr(type(module), "start_cache") and getattr(module, "causal", True):
            found.append(module)
            inside.append(f"{path}/" if path else "")
    return found
