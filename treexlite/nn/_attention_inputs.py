"""What attention is given: checked before anything is computed, and brought to one form.

In: arguments and arrays as the user wrote them. Out: plain numbers, masks and biases with all their
axes, positions as arrays; or an error that names what does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, ShapeError, describe, unknown_name
from treexlite.nn._arguments import is_int, positive_int
from treexlite.nn._promotion import broadcasts, pad_rank

_IMPLEMENTATIONS = ("cudnn", "xla")  # of `jax.nn.dot_product_attention`


def check_sequence(where: str, x: jax.Array) -> None:
    """Refuse an `x` without axes for time and features.

    Raises:
        ShapeError: it lacks one.
    """
    if x.ndim < 2:
        raise ShapeError(
            where,
            expected="`x` to have at least two axes, the last ones for time and features",
            received=f"x={describe(x)}",
            fix="Give a single position a time axis: `x[..., None, :]`.",
        )


def check_inputs(where: str, x: jax.Array, context: jax.Array, value: jax.Array) -> None:
    """Refuse inputs whose axes do not belong together.

    Raises:
        ShapeError: an input has no time axis, or a batch or time of its own.
    """
    check_sequence(where, x)
    for name, array, lead, axes in (
        ("context", context, x.shape[:-2], "batch axes of `x`"),
        ("value", value, context.shape[:-1], "batch and time axes of what the keys are made of"),
    ):
        if array.ndim != x.ndim or array.shape[: len(lead)] != lead:
            raise ShapeError(
                where,
                expected=f"`{name}` to have the {axes}, {lead}, and features",
                received=f"{name}={describe(array)}",
                fix="Broadcast or reshape it to them.",
            )


def with_heads(
    where: str, name: str, array: Any, shape: tuple[int, ...], boolean: bool
) -> jax.Array | None:
    """Return `array` with the axes `(*batch, heads, time, context_time)`, each of full size or 1.

    Args:
        where: the layer that asks.
        name: what the user calls it.
        array: None, or an array that has all these axes, or lacks that of the heads, or leading
            ones.
        shape: the full sizes.
        boolean: whether it is to be bool, or numbers.

    Raises:
        ArgumentError: it is bool and should not be, or the other way round.
        ShapeError: it does not broadcast.
    """
    if array is None:
        return None
    given: jax.Array = jnp.asarray(array)
    if (given.dtype == jnp.bool_) is not boolean:
        raise ArgumentError(
            where,
            expected=f"`{name}` to be {'bool' if boolean else 'numbers'}",
            received=f"{name}={describe(given)}",
            fix="`mask` says by True who looks at whom; `bias` is added to the logits.",
        )
    full = given
    if given.ndim < len(shape):
        full = jnp.expand_dims(pad_rank(given, len(shape) - 1), -3)
    if not broadcasts(full.shape, shape):
        raise ShapeError(
            where,
            expected=(
                f"`{name}` to broadcast to (*batch, heads, time, context_time)={shape}, or without"
                f" heads to {(*shape[:-3], *shape[-2:])}"
            ),
            received=f"{name}={describe(given)}",
            fix=(
                "A padding mask of shape (batch, context_time) lacks the axis of the queries:"
                " `valid[:, None, :]`. While decoding, context_time is the length of the cache."
            ),
        )
    return full


def checked_positions(where: str, positions: Any, shape: tuple[int, ...]) -> jax.Array | None:
    """Return `positions` as an array that broadcasts to `shape`, `(*batch, time)`, or None.

    Raises:
        ShapeError: it does not broadcast, or does not have a position for each time.
    """
    if positions is None:
        return None
    given: jax.Array = jnp.asarray(positions)
    padded = (1,) * (len(shape) - given.ndim) + given.shape
    if given.shape[-1:] != shape[-1:] or not broadcasts(padded, shape):
        raise ShapeError(
            where,
            expected=f"`positions` to broadcast to (*batch, time)={shape}",
            received=f"positions={describe(given)}",
            fix="Pass one position for each time: `jnp.arange(x.shape[-2])`.",
        )
    return given


def check_parts(where: str, rotary: Any, position_bias: Any, implementation: Any) -> None:
    """Refuse what attention could not call, and kernels that JAX does not have.

    Raises:
        ArgumentError: `rotary` or `position_bias` is neither None nor callable.
        UnknownNameError: no implementation has that name.
    """
    for name, value, example in (
        ("rotary", rotary, "RotaryEmbedding()"),
        ("position_bias", position_bias, "ALiBi(num_heads)"),
    ):
        if value is not None and not callable(value):
            raise ArgumentError(
                where,
                expected=f"`{name}` to be a module or None",
                received=f"{name}={describe(value)}",
                fix=f"Pass for example `{name}=tx.nn.{example}`.",
            )
    if implementation is not None and implementation not in _IMPLEMENTATIONS:
        raise unknown_name(where, "an implementation", str(implementation), _IMPLEMENTATIONS)


def divisor(where: str, value: Any, num_heads: int) -> int:
    """Return the argument `num_kv_heads`; `num_heads` when it is None.

    Raises:
        ArgumentError: it does not divide `num_heads`.
    """
    if value is None:
        return num_heads
    heads = positive_int(where, "num_kv_heads", value)
    if num_heads % heads:
        raise ArgumentError(
            where,
            expected=f"`num_kv_heads` to divide num_heads={num_heads}",
            received=f"num_kv_heads={heads}",
            fix="Choose a divisor: every head of keys serves as many heads of queries.",
        )
    return heads


def window_sizes(where: str, value: Any) -> tuple[int, int] | None:
    """Return the argument `window` as a pair; None stays None.

    Raises:
        ArgumentError: it is neither a number of positions nor a pair of them.
    """
    if value is None:
        return None
    pair = (value, value) if is_int(value) else value
    if (
        not isinstance(pair, Sequence)
        or len(pair) != 2
        or not all(is_int(part) and part >= 0 for part in pair)
    ):
        raise ArgumentError(
            where,
            expected="`window` to be a number of positions, or a pair of them",
            received=f"window={describe(value)}",
            fix="Pass `(before, after)`, for example `window=(128, 0)`.",
        )
    return int(pair[0]), int(pair[1])
