"""Bidirectional: one RNN from the first step to the last, and one the other way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite._errors import ArgumentError, describe, unknown_name
from treexlite.nn._rnn import RNN

_MERGES = ("concat", "sum", "mul", "ave")


class Bidirectional(Module):
    """Run two RNNs over a sequence, in both directions, and merge their outputs.

    The output at a step knows the whole sequence: what the forward RNN has read up to the step, and
    what the backward RNN has read from the end down to it. With `mask` or `lengths`, the backward
    RNN begins with the last step that counts.

    Args:
        forward: an `RNN`; its options are those of the whole.
        backward: an `RNN` with `reverse=True`, otherwise alike. None: one built like `forward`,
            with parameters of its own.
        merge: `"concat"` along the last axis, `"sum"`, `"mul"` or `"ave"`; None returns the pair.

    Shapes:
        x: `(*batch, time, in_features)`; y: `(*batch, time, 2 * features)` for `"concat"`,
            `(*batch, time, features)` for the others, and without time unless `return_sequences`.

    State:
        That of the two RNNs.

    Raises:
        ArgumentError: one of the two is no RNN or has the wrong direction; their options differ; or
            `forward` has data already and `backward` is left out.
        UnknownNameError: no way to merge has that name.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Bidirectional(tx.nn.RNN(tx.nn.GRUCell(4)))
        >>> model.init(0, jnp.ones((2, 7, 3)))(jnp.ones((2, 7, 3))).shape
        (2, 7, 8)

    Reference:
        Schuster and Paliwal (1997). The ways to merge are Keras's. Without `return_sequences`, the
        outputs that are merged are the last one of each direction, as in Keras.
    """

    forward: Any
    backward: Any
    merged_by: str | None = static()  # `merge` is a verb of every module

    def __init__(
        self, forward: RNN, backward: RNN | None = None, *, merge: str | None = "concat"
    ) -> None:
        where = type(self).__name__
        if merge is not None and merge not in _MERGES:
            raise unknown_name(where, "a way to merge", str(merge), _MERGES)
        _check_direction(where, "forward", forward, False)
        if backward is None:
            backward = _mirrored(where, forward)
        _check_direction(where, "backward", backward, True)
        for option in ("return_sequences", "return_state", "time_axis"):
            _check_alike(where, option, getattr(forward, option), getattr(backward, option))
        self.forward = forward
        self.backward = backward
        self.merged_by = merge

    def __call__(
        self, x: jax.Array, *, mask: Any = None, lengths: Any = None, initial_carry: Any = None
    ) -> Any:
        """Run over a sequence in both directions.

        Args:
            x: the sequence.
            mask: which steps count, `(*batch, time)` booleans.
            lengths: how many steps at the beginning count, `(*batch,)` integers; instead of `mask`.
            initial_carry: a pair of carries to begin with, forward and backward. None: zeros.

        Returns:
            The merged outputs, or `((carry, carry), outputs)` with `return_state`.
        """
        first, second = self._carries(initial_carry)
        ours = self.forward(x, mask=mask, lengths=lengths, initial_carry=first)
        theirs = self.backward(x, mask=mask, lengths=lengths, initial_carry=second)
        if not self.forward.return_state:
            return self._merged(ours, theirs)
        (first, y), (second, z) = ours, theirs
        return (first, second), self._merged(y, z)

    def start_cache(self, batch_size: int | Sequence[int], max_length: int | None = None) -> None:
        """Refuse to stream: half of every output depends on what comes later."""
        raise ArgumentError(
            type(self).__name__,
            expected="layers that can stream, which read from the first step to the last",
            received="one that reads in both directions",
            fix="Call it with whole sequences, or use a forward `RNN`.",
        )

    def clear_cache(self) -> None:
        """End streaming, which its RNNs may do when they are used by themselves."""
        self.forward.clear_cache()
        self.backward.clear_cache()

    def _carries(self, initial_carry: Any) -> tuple[Any, Any]:
        """Return the carries to begin with, forward and backward."""
        if initial_carry is None:
            return None, None
        if not isinstance(initial_carry, (tuple, list)) or len(initial_carry) != 2:
            raise ArgumentError(
                type(self).__name__,
                expected="`initial_carry` to be a pair of carries, forward and backward",
                received=f"initial_carry={describe(initial_carry)}",
                fix="Pass what a call with `return_state=True` returned first, or None for zeros.",
            )
        first, second = initial_carry
        return first, second

    def _merged(self, y: jax.Array, z: jax.Array) -> Any:
        if self.merged_by == "concat":
            return jnp.concatenate([y, z], -1)
        if self.merged_by == "mul":
            return y * z
        if self.merged_by is None:
            return y, z
        return y + z if self.merged_by == "sum" else (y + z) / 2


def _mirrored(where: str, forward: RNN) -> RNN:
    """Return an RNN built like `forward` that begins with the last step."""
    for field in forward.fields():
        raise ArgumentError(
            where,
            expected="`forward` to be an RNN that is not initialised, or `backward` too",
            received=f"one with data in `{field.path}`",
            fix="Pass `RNN(cell)` before `init`, or pass `backward=RNN(cell, reverse=True)` too.",
        )
    backward = forward.copy()
    backward.reverse = True
    return backward


def _check_direction(where: str, name: str, rnn: Any, reverse: bool) -> None:
    if not isinstance(rnn, RNN) or rnn.reverse is not reverse:
        received = f"reverse={rnn.reverse}" if isinstance(rnn, RNN) else describe(rnn)
        raise ArgumentError(
            where,
            expected=f"`{name}` to be an RNN with reverse={reverse}",
            received=received,
            fix=f"Pass for example `{name}=RNN(GRUCell(16), reverse={reverse})`.",
        )


def _check_alike(where: str, option: str, ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise ArgumentError(
            where,
            expected=f"`forward` and `backward` with the same `{option}`",
            received=f"{ours} and {theirs}",
            fix=f"Give both the same `{option}`.",
        )
