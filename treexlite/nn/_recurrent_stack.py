"""LSTM and GRU: several RNNs, one on top of the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite._errors import ArgumentError
from treexlite.nn._arguments import positive_int, unit_fraction
from treexlite.nn._bidirectional import Bidirectional
from treexlite.nn._dropout import Dropout
from treexlite.nn._gru_cell import GRUCell
from treexlite.nn._lstm_cell import LSTMCell
from treexlite.nn._recurrent_cell import Cell
from treexlite.nn._rnn import RNN


class RecurrentStack(Module):
    """RNNs one on top of the other, each reading the outputs of the one below."""

    layers: list[Any]
    dropouts: list[Any]
    return_state: bool = static()

    def __init__(
        self,
        cells: Sequence[tuple[Cell, Cell | None]],
        *,
        dropout: float,
        return_sequences: bool,
        return_state: bool,
    ) -> None:
        rate = unit_fraction(type(self).__name__, "dropout", dropout)
        last = len(cells) - 1
        self.layers = [
            _layer(forward, backward, return_sequences or depth < last)
            for depth, (forward, backward) in enumerate(cells)
        ]
        self.dropouts = [Dropout(rate) for _ in range(last)] if rate else []
        self.return_state = bool(return_state)

    def __call__(
        self, x: jax.Array, *, mask: Any = None, lengths: Any = None, initial_carry: Any = None
    ) -> Any:
        """Run all layers over a sequence.

        Args:
            x: the sequence.
            mask: which steps count, `(*batch, time)` booleans.
            lengths: how many steps at the beginning count, `(*batch,)` integers; instead of `mask`.
            initial_carry: for each layer a carry to begin with, or None; a pair of carries in a
                bidirectional stack. None: zeros for all.

        Returns:
            The outputs of the last layer, or `(carries, outputs)` with `return_state`.
        """
        starts = self._starts(initial_carry)
        carries = []
        for depth, layer in enumerate(self.layers):
            if depth and self.dropouts:
                x = self.dropouts[depth - 1](x)
            carry, x = layer(x, mask=mask, lengths=lengths, initial_carry=starts[depth])
            carries.append(carry)
        return (carries, x) if self.return_state else x

    def _starts(self, initial_carry: Any) -> Sequence[Any]:
        if initial_carry is None:
            return [None] * len(self.layers)
        if not isinstance(initial_carry, (list, tuple)) or len(initial_carry) != len(self.layers):
            raise ArgumentError(
                type(self).__name__,
                expected=f"`initial_carry` to be a list with a carry for each of"
                f" {len(self.layers)} layers",
                received=f"a {type(initial_carry).__name__}",
                fix="Pass what a call with `return_state=True` returned first, or None for zeros.",
            )
        return initial_carry


class LSTM(RecurrentStack):
    """Run layers of `LSTMCell` over a sequence.

    `RNN(LSTMCell(features))`, `num_layers` times, with dropout between them. Options of the cells
    that are not listed here are reached by composing `RNN`s by hand, in `Sequential`.

    Args:
        features: size of the carry of each layer, and of each direction.
        num_layers: how many layers.
        bidirectional: whether every layer reads in both directions, and puts the outputs of the two
            side by side.
        dropout: fraction of the values dropped between two layers, in training mode.
        return_sequences: whether to return the output of every step, or the last one.
        return_state: whether to return the final carries too: `(carries, y)`, with one `(h, c)` for
            each layer, or a pair of them, forward and backward.
        use_bias: whether the cells have a bias.
        forget_bias: what `init` adds to the forget gates' bias.
        dtype: what to compute products in, and the type of the output. None: what `x` and the
            parameters promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(*batch, time, in_features)`; y: `(*batch, time, features)`, with twice the features
            when bidirectional, and without time unless `return_sequences`.

    State:
        Keys of the dropout, if there is any; `layers[i].carry` while streaming.

    Raises:
        ArgumentError: an argument is outside its range, or `initial_carry` has not one entry for
            each layer.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.LSTM(4, num_layers=2, bidirectional=True, return_state=True)
        >>> carries, y = model.init(0, jnp.ones((2, 7, 3)))(jnp.ones((2, 7, 3)))
        >>> y.shape, len(carries)
        ((2, 7, 8), 2)

    Reference:
        `torch.nn.LSTM`, with the batch first. Weights as said at `LSTMCell`.
    """

    def __init__(
        self,
        features: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        return_sequences: bool = True,
        return_state: bool = False,
        use_bias: bool = True,
        forget_bias: float = 1.0,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        def cell() -> Cell:
            return LSTMCell(
                features,
                use_bias=use_bias,
                forget_bias=forget_bias,
                dtype=dtype,
                param_dtype=param_dtype,
            )

        depth = positive_int(type(self).__name__, "num_layers", num_layers)
        super().__init__(
            [(cell(), cell() if bidirectional else None) for _ in range(depth)],
            dropout=dropout,
            return_sequences=return_sequences,
            return_state=return_state,
        )


class GRU(RecurrentStack):
    """Run layers of `GRUCell` over a sequence.

    `RNN(GRUCell(features))`, `num_layers` times, with dropout between them. Options of the cells
    that are not listed here are reached by composing `RNN`s by hand, in `Sequential`.

    Args:
        features: size of the carry of each layer, and of each direction.
        num_layers: how many layers.
        bidirectional: whether every layer reads in both directions, and puts the outputs of the two
            side by side.
        dropout: fraction of the values dropped between two layers, in training mode.
        return_sequences: whether to return the output of every step, or the last one.
        return_state: whether to return the final carries too: `(carries, y)`, with one `h` for each
            layer, or a pair of them, forward and backward.
        use_bias: whether the cells have biases.
        reset_after: which form of the cell; the default is PyTorch's.
        dtype: what to compute products in, and the type of the output. None: what `x` and the
            parameters promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(*batch, time, in_features)`; y: `(*batch, time, features)`, with twice the features
            when bidirectional, and without time unless `return_sequences`.

    State:
        Keys of the dropout, if there is any; `layers[i].carry` while streaming.

    Raises:
        ArgumentError: an argument is outside its range, or `initial_carry` has not one entry for
            each layer.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.GRU(4, num_layers=2, return_sequences=False)
        >>> model.init(0, jnp.ones((2, 7, 3)))(jnp.ones((2, 7, 3))).shape
        (2, 4)

    Reference:
        `torch.nn.GRU`, with the batch first. Weights as said at `GRUCell`.
    """

    def __init__(
        self,
        features: int,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        return_sequences: bool = True,
        return_state: bool = False,
        use_bias: bool = True,
        reset_after: bool = True,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        def cell() -> Cell:
            return GRUCell(
                features,
                use_bias=use_bias,
                reset_after=reset_after,
                dtype=dtype,
                param_dtype=param_dtype,
            )

        depth = positive_int(type(self).__name__, "num_layers", num_layers)
        super().__init__(
            [(cell(), cell() if bidirectional else None) for _ in range(depth)],
            dropout=dropout,
            return_sequences=return_sequences,
            return_state=return_state,
        )


def _layer(forward: Cell, backward: Cell | None, return_sequences: bool) -> RNN | Bidirectional:
    first = RNN(forward, return_sequences=return_sequences, return_state=True)
    if backward is None:
        return first
    second = RNN(backward, reverse=True, return_sequences=return_sequences, return_state=True)
    return Bidirectional(first, second)
