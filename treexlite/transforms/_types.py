"""The types of arrays: shape and dtype, compared as JAX compares them at the ends of branches."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from treexlite._core._registry import SCALAR_TYPES


def described_type(value: Any) -> str:
    """Render shape and dtype for a message, such as `float32[3, 4]`."""
    return f"{jnp.result_type(value)}{list(jnp.shape(value))}"


def differ(one: Any, other: Any) -> bool:
    """Whether two arrays have different types; JAX converts neither."""
    return jnp.shape(one) != jnp.shape(other) or bool(
        jnp.result_type(one) != jnp.result_type(other)
    )


def widens(before: Any, after: Any) -> bool:
    """Whether JAX starts a loop with `before` converted to the type of `after`.

    It does so for a weakly typed number, if nothing is lost: 0 becomes 0.0, but 0.5 not 0.
    """
    return (
        _is_weak(before)
        and jnp.shape(before) == jnp.shape(after)
        and bool(jnp.result_type(before, after) == jnp.result_type(after))
    )


def _is_weak(value: Any) -> bool:
    return type(value) in SCALAR_TYPES or bool(getattr(value, "weak_type", False))
