"""LSTMCell: a memory that gates write, erase and read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite.nn._activations import Activation
from treexlite.nn._arguments import finite
from treexlite.nn._gate_init import ForgetBias
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._recurrent_cell import Cell, linear_part

_FORGET = 1  # among the gates i, f, g, o


class LSTMStep(Cell):
    """The maths of an LSTM, whatever its parts `input` and `recurrent` are."""

    def initial_carry(self, batch_shape: Sequence[int], dtype: Any = jnp.float32) -> Any:
        zeros = super().initial_carry(batch_shape, dtype)
        return zeros, zeros

    def step(self, carry: Any, projected: jax.Array) -> tuple[Any, jax.Array]:
        h, c = carry
        gate, activation = self._activations()
        gates = projected.astype(h.dtype) + self._recur(h, projected)
        i, f, g, o = jnp.split(gates, 4, -1)  # (..., features) each
        c = gate(f) * c + gate(i) * activation(g)
        h = gate(o) * activation(c)
        return (h, c), h.astype(projected.dtype)


class LSTMCell(LSTMStep):
    """Make a step of a long short-term memory.

    With `x @ W + b + h @ U` cut into `i, f, g, o`, in this order (`s` is the gates' activation, `a`
    the other one):

        c' = s(f) * c + s(i) * a(g)
        h' = s(o) * a(c')

    Called as `carry, y = cell(carry, x)`, where the carry is `(h, c)`, and `y` is the new `h`.
    `RNN(cell)` runs it over a sequence.

    Args:
        features: size of `h`, `c` and the output.
        activation: name or function, of candidate and memory.
        gate_activation: name or function, of the gates.
        forget_bias: added to the forget gate's part of the bias at `init`, so that an untrained
            cell remembers. Has no effect without bias.
        use_bias: whether to add a bias.
        kernel_init: name or function, for each gate's part of `W`.
        recurrent_init: name or function, for each gate's part of `U`.
        bias_init: name or function.
        dtype: what to compute products in, and the type of the output; the carry is kept in float32
            at least. None: what `x` and the parameters promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(*batch, in_features)`; y, h, c: `(*batch, features)`; input.kernel: `(in_features, 4 *
            features)`; input.bias: `(4 * features,)`; recurrent.kernel: `(features, 4 * features)`.

    State:
        None: the parameters change by training only.

    Raises:
        ArgumentError: `features`, `forget_bias` or a dtype is outside its range.
        UnknownNameError: no activation or initialiser has that name.
        ShapeError: `x` or the carry does not match the parameters.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> cell = tx.nn.LSTMCell(4).init(0, (None, jnp.ones((2, 3))))
        >>> (h, c), y = cell(None, jnp.ones((2, 3)))
        >>> y.shape, cell.input.kernel.shape, cell.recurrent.kernel.shape
        ((2, 4), (3, 16), (4, 16))

    Reference:
        Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000), whose bias of
        1 is advised by Jozefowicz et al. (2015). Order of gates and carry as in PyTorch and Keras;
        PyTorch has two biases, whose sum is ours, and no forget bias. Flax's carry is `(c, h)`.
    """

    def __init__(
        self,
        features: int,
        *,
        activation: str | Activation = "tanh",
        gate_activation: str | Activation = "sigmoid",
        forget_bias: float = 1.0,
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        recurrent_init: str | InitFunction = "orthogonal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            features,
            activation=activation,
            gate_activation=gate_activation,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        bias_init = lstm_bias(type(self).__name__, bias_init, forget_bias)
        self.input = linear_part(
            self, 4, "kernel_init", kernel_init, use_bias=use_bias, bias_init=bias_init
        )
        self.recurrent = linear_part(self, 4, "recurrent_init", recurrent_init)


def lstm_bias(where: str, bias_init: Any, forget_bias: Any) -> ForgetBias:
    """Return the initialiser of the bias of four gates, of which the second one forgets."""
    amount = finite(where, "forget_bias", forget_bias)
    return ForgetBias(check_initializer(where, "bias_init", bias_init), 4, _FORGET, amount)
