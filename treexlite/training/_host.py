"""Memory on the host that a device can take over as it is.

In: NumPy arrays. Out: copies of them at addresses where XLA's CPU client shares memory instead of
copying once more, which for fresh memory costs more than everything else about a small batch. Other
devices copy in any case. Nothing is mutated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

ALIGNMENT = 64  # bytes, for the widest registers


def owned(array: np.ndarray) -> np.ndarray:
    """Return a copy of an array."""
    copy = _empty(array.shape, array.dtype)
    np.copyto(copy, array)
    return copy


def joined(parts: Sequence[Any]) -> np.ndarray:
    """Return arrays, equal but for the sizes of their first axes, one behind the other."""
    length = sum(len(part) for part in parts)
    whole = _empty((length, *parts[0].shape[1:]), parts[0].dtype)
    np.concatenate(parts, out=whole)
    return whole


def given_away(array: np.ndarray | jax.Array) -> jax.Array:
    """Return an array on the device; nobody may write into the one on the host from now on."""
    moved: jax.Array = jax.device_put(array)
    return moved


def _empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
