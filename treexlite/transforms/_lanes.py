"""Keys for lanes: what stands in an unmapped `Rng` field while a function runs many times at once.

Each lane gets a key of its own, split from the user's key. If any lane writes a new key, the user's
key advances once, to the value that the split reserved for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._core._kinds import Rng
from treexlite._core._paths import places
from treexlite._core._registry import is_array
from treexlite.transforms._pack import Packed


def rng_slots(packed: Packed) -> list[int]:
    """Return the numbers of the slots that hold keys in fields of kind `Rng`."""
    slots = [slot for found in packed.walks for slot in places(found.spec).slots]
    return [
        number
        for number, (slot, value) in enumerate(zip(slots, packed.leaves, strict=True))
        if issubclass(slot.kind, Rng) and is_key(value)
    ]


def is_key(value: Any) -> bool:
    """Whether `value` is a PRNG key, or an array of them."""
    if not is_array(value):
        return False
    return is_typed(value) or (value.dtype == np.uint32 and value.ndim >= 1)


def is_typed(value: Any) -> bool:
    """Whether `value` is an array of the new kind of keys (`jax.random.key`)."""
    return bool(jnp.issubdtype(value.dtype, jax.dtypes.prng_key))


def lanes(key: jax.Array, size: int) -> tuple[jax.Array, jax.Array]:
    """Split a key, or an array of keys, for `size` lanes.

    Returns:
        The advanced key, in the shape of `key`, and the lanes' keys, with a new first axis.
    """
    keys = _for_each(functools.partial(jax.random.split, num=size + 1), key)
    return keys[0], keys[1:]


def folded(key: jax.Array, number: Any) -> jax.Array:
    """Fold a number into a key, or into each of an array of keys."""
    keys: jax.Array = _for_each(lambda one: jax.random.fold_in(one, number), key, out_axes=0)
    return keys


def _for_each(f: Callable[[Any], Any], key: jax.Array, out_axes: int = 1) -> Any:
    for _ in range(key.ndim - (0 if is_typed(key) else 1)):
        f = jax.vmap(f, out_axes=out_axes)
    return f(key)


def laned(
    leaves: Sequence[Any], slots: Sequence[int], size: int
) -> tuple[list[Any], dict[int, Any]]:
    """Replace the keys in `slots` by keys for `size` lanes.

    Returns:
        The data with mapped keys (axis 0), and for each slot the key as it is afterwards.
    """
    replaced = list(leaves)
    advanced = {}
    for slot in slots:
        advanced[slot], replaced[slot] = lanes(leaves[slot], size)
    return replaced, advanced
