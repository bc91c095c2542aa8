"""Donation: which buffers a compiled function may take over, and which it must not touch.

In: the data of one call. Out: the slots worth donating, and data in which no donated buffer is
    reached a
second time: by another slot, by another module that shares the array, or by a plain argument.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core._registry import is_array, is_tracer
from treexlite.transforms._pack import Packed


def usable(leaves: Sequence[Any], consumed: Sequence[int], outputs: Any) -> tuple[int, ...]:
    """Return the consumed slots whose memory some output can take: same shape, same dtype."""
    free = Counter(map(_shape, jax.tree_util.tree_leaves(outputs)))
    chosen = []
    for slot in consumed:
        wanted = Counter(map(_shape, jax.tree_util.tree_leaves(leaves[slot])))
        if wanted and all(free[shape] >= count for shape, count in wanted.items()):
            free -= wanted
            chosen.append(slot)
    return tuple(chosen)


def _shape(leaf: Any) -> Any:
    return (jnp.shape(leaf), str(getattr(leaf, "dtype", type(leaf))))


def distinct(packed: Packed, donated: Sequence[int]) -> list[Any]:
    """Return the data of a call, with copies for donated arrays that are reached twice.

    The array that stays with the user is the original: it survives the call.
    """
    everything = jax.tree_util.tree_leaves((packed.arguments, packed.leaves))
    if any(map(is_tracer, everything)):
        return packed.leaves  # inside another trace nothing is donated
    count = Counter(map(_buffer, everything))

    def own(leaf: Any) -> Any:
        return jnp.array(leaf, copy=True) if count[_buffer(leaf)] > 1 else leaf

    slots = set(donated)
    return [
        jax.tree_util.tree_map(own, leaf) if slot in slots else leaf
        for slot, leaf in enumerate(packed.leaves)
    ]


def _buffer(leaf: Any) -> Any:
    """Return what identifies the memory of an array, as far as it can be known."""
    if is_array(leaf) and hasattr(leaf, "unsafe_buffer_pointer") and leaf.is_fully_addressable:
        try:
            return leaf.addressable_data(0).unsafe_buffer_pointer()
        except (ValueError, RuntimeError):  # no buffer of its own (a key array, a deleted array)
            return id(leaf)
    return id(leaf)
