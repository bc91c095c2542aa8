"""Tensors as NumPy arrays, to the bit, without importing torch.

In: a NumPy or JAX array, or a tensor. Out: a NumPy array of the same dtype. Nothing is mutated.
"""

from __future__ import annotations

import sys
from typing import Any

import jax.numpy as jnp
import numpy as np

from treexlite._errors import DataError, describe

# Dtypes that NumPy has from an extension: the bits travel as integers of the same size.
_BITS = {
    "torch.bfloat16": ("int16", np.dtype(jnp.bfloat16)),
    "torch.float8_e4m3fn": ("uint8", np.dtype(jnp.float8_e4m3fn)),
    "torch.float8_e5m2": ("uint8", np.dtype(jnp.float8_e5m2)),
}


def as_numpy(where: str, name: str, value: Any) -> np.ndarray:
    """Return a tensor or array as NumPy's; a view where that is possible.

    Args:
        where: the function that asks, for errors.
        name: of the entry.
        value: the tensor.

    Raises:
        DataError: it is no array of numbers.
    """
    if hasattr(value, "detach"):  # a tensor, also one that needs a gradient or is elsewhere
        value = value.detach().cpu()
        if str(value.dtype) in _BITS:
            bits, dtype = _BITS[str(value.dtype)]
            integers = getattr(sys.modules["torch"], bits)
            return np.asarray(value.contiguous().view(integers)).view(dtype)
    is_array = hasattr(value, "shape") and hasattr(value, "dtype")
    array = np.asarray(value) if is_array else None
    if array is None or array.dtype == object:
        raise DataError(
            where,
            expected=f"an array or tensor of numbers as {name!r}",
            received=describe(value),
            fix="Pass what `module.state_dict()` returns, or a file of weights.",
        )
    return array
