"""Counting the n-grams of texts, by comparing all places with all places.

Pure functions of one text and its references; all shapes are fixed, whatever the tokens.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp


def clipped_counts(
    tokens: jax.Array,
    length: jax.Array,
    references: jax.Array,
    reference_length: jax.Array,
    max_order: int,
) -> jax.Array:
    """Count the n-grams of a text that a reference has, each as often as it has it, at most.

    Shapes:
        tokens: (length,), of which the first `length` are the text.
        references: (references, reference length), likewise; reference_length: (references,).
        returns: (max_order,), int32, for n = 1, 2, ...
    """
    places, other_places = jnp.arange(tokens.shape[0]), jnp.arange(references.shape[1])
    earlier = places[None, :] < places[:, None]
    within = tokens[:, None] == tokens[None, :]
    across = tokens[None, :, None] == references[:, None, :]  # (references, place, other place)
    within_n, across_n = within, across
    counts = []
    for n in range(1, max_order + 1):
        if n > 1:
            within_n = within_n & _shifted(within, n - 1)
            across_n = across_n & _shifted(across, n - 1)
        fits = places + n <= length
        other_fits = other_places[None] + n <= reference_length[:, None]
        # How often the n-gram at a place has occurred before in the text, and in each reference.
        before = jnp.sum(within_n & earlier, axis=-1)
        there = jnp.max(jnp.sum(across_n & other_fits[:, None, :], axis=-1), axis=0)
        counts.append(jnp.sum(fits & (before < there), dtype=jnp.int32))
    return jnp.stack(counts)


def reference_lengths(lengths: jax.Array, references: jax.Array) -> jax.Array:
    """Return for each text the length of the reference that is closest to it in length.

    Of two equally close ones it is the shorter. An empty reference is none, unless all are empty.

    Shapes:
        lengths: (batch,). references: (batch, references), the lengths of the references.
    """
    ordered = jnp.sort(references, axis=-1)  # argmin takes the first of equals: the shorter
    distance = jnp.where(ordered == 0, 2**31 - 1, jnp.abs(ordered - lengths[:, None]))
    closest = jnp.argmin(distance, axis=-1)[:, None]
    return jnp.take_along_axis(ordered, closest, axis=-1)[:, 0]


def _shifted(equal: jax.Array, steps: int) -> jax.Array:
    """Return whether the tokens that stand `steps` later are equal; False beyond the end."""
    steps_left = min(steps, equal.shape[-2]), min(steps, equal.shape[-1])
    later = equal[..., steps_left[0] :, steps_left[1] :]
    room = [(0, 0)] * (equal.ndim - 2) + [(0, steps_left[0]), (0, steps_left[1])]
    return jnp.pad(later, room)
