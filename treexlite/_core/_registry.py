"""What counts as a module and what counts as an array, asked quickly.

Classes of modules are collected when they are defined, because `isinstance` against an ABCMeta
class costs a Python call, and these questions stand on hot paths. Concrete array types are learned
when first seen, because naming JAX's would start a backend at import.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

MODULE_TYPES: set[type] = set()
"""Every class derived from `Module`; a class is added when it is defined."""

CONCRETE_ARRAY_TYPES: set[type] = {np.ndarray}
"""Exact types known to be concrete arrays (never tracers)."""

SCALAR_TYPES: frozenset[type] = frozenset({bool, int, float, complex})


def is_module(value: Any) -> bool:
    """Whether `value` is an instance of a `Module` class."""
    return type(value) in MODULE_TYPES


def is_tracer(value: Any) -> bool:
    """Whether `value` is a traced array."""
    return isinstance(value, jax.core.Tracer)


def is_jax_array(value: Any) -> bool:
    """Whether `value` is a JAX array, concrete or traced."""
    kind = type(value)
    if kind in CONCRETE_ARRAY_TYPES:
        return kind is not np.ndarray
    if not isinstance(value, jax.Array):
        return False
    if not isinstance(value, jax.core.Tracer):
        CONCRETE_ARRAY_TYPES.add(kind)
    return True


def is_array(value: Any) -> bool:
    """Whether `value` is a JAX array, a tracer, or a NumPy array or scalar."""
    return is_jax_array(value) or isinstance(value, (np.ndarray, np.generic))


def is_numeric(value: Any) -> bool:
    """Whether JAX would take `value` as one leaf of data: an array or a Python number."""
    return type(value) in SCALAR_TYPES or is_array(value)
