"""The types of arrays: shape and dtype, compared as JAX compares them at the ends of branches."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from treexlite._core._registry import SCALAR_TYPES


def described_type(value: Any) -> str:
    """Render shape and dtype for a message, such as `float32[3, 4]`."""
    return f"{jnp.result_type(value)}{list(jnp.shape(value))}"


def differ(one: Any, other: Any) -> bool:
    """Whether two arrays have types that JAX will not make equal by itself."""
    if jnp.shape(one) != jnp.shape(other):
        return True
    if _is_weak(one) or _is_weak(other):
        return False  # JAX converts a weakly typed number to the type of the other
    return bool(jnp.result_type(one) != jnp.result_type(other))


def _is_weak(value: Any) -> bool:
    return type(value) in SCALAR_TYPES or bool(getattr(value, "weak_type", False))
