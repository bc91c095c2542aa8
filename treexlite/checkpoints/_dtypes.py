"""Which dtypes can be saved, and what they are called in a safetensors file.

In: a NumPy dtype, or its name. Out: the code and the shape under which other programs find the
bytes. A dtype without a code of its own in safetensors is stored as what its bytes are: complex
numbers as pairs, sub-byte types as one unsigned byte each. The manifest has its real name.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np


class Stored(NamedTuple):
    """How values of a dtype lie in a file: the code, and a last axis to add to the shape."""

    code: str
    last_axis: tuple[int, ...] = ()


_CODES: dict[str, Stored] = {
    "bool": Stored("BOOL"),
    **{f"int{n}": Stored(f"I{n}") for n in (8, 16, 32, 64)},
    **{f"uint{n}": Stored(f"U{n}") for n in (8, 16, 32, 64)},
    **{f"float{n}": Stored(f"F{n}") for n in (16, 32, 64)},
    "bfloat16": Stored("BF16"),
    "float8_e4m3fn": Stored("F8_E4M3"),
    "float8_e5m2": Stored("F8_E5M2"),
    "complex64": Stored("F32", (2,)),
    "complex128": Stored("F64", (2,)),
}
_AS_BYTES = (
    *("int1", "int2", "int4", "uint1", "uint2", "uint4"),
    *("float4_e2m1fn", "float6_e2m3fn", "float6_e3m2fn"),
    *("float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fnuz", "float8_e5m2fnuz"),
    "float8_e8m0fnu",
)
_CODES.update(dict.fromkeys(_AS_BYTES, Stored("U8")))  # one byte for a value, in memory too


def stored(name: str) -> Stored | None:
    """Return how values of the dtype `name` lie in a file, or None when they cannot be saved."""
    return _CODES.get(name)


@functools.cache
def dtype_of(name: str) -> np.dtype[Any]:
    """Return the dtype of a name.

    Raises:
        ValueError: there is no such dtype, or this version of JAX does not know it.
    """
    if name in _CODES:
        try:
            return np.dtype(jnp.dtype(name))
        except TypeError:
            raise ValueError(f"the dtype {name!r}, which this version of JAX has not") from None
    raise ValueError(f"the dtype {name!r}")


@functools.cache
def is_exact(old: np.dtype[Any], new: np.dtype[Any]) -> bool:
    """Whether every value of the dtype `old` is one of `new` as well."""
    if np.can_cast(old, new, "safe"):
        return True
    if not (jnp.issubdtype(old, jnp.floating) and jnp.issubdtype(new, jnp.floating)):
        return False
    few, many = (jnp.finfo(dtype) for dtype in (old, new))  # type: ignore[no-untyped-call]  # JAX's
    narrower = few.nmant <= many.nmant and few.maxexp <= many.maxexp
    return bool(narrower and few.minexp - few.nmant >= many.minexp - many.nmant)
