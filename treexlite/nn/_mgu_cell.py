"""MGUCell: a gated unit with one gate."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Parameter, static
from treexlite.nn._activations import Activation
from treexlite.nn._arguments import finite
from treexlite.nn._gate_init import ForgetBias
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._promotion import along_last
from treexlite.nn._recurrent_cell import Cell, candidate_bias, linear_part


class MGUCell(Cell):
    """Make a step of a minimal gated unit: a GRU whose one gate both forgets and resets.

    With `x @ W + b` cut into `xf, xn`, and `U` into `Uf, Un`, in this order (`s` is the gate's
    activation, `a` the other one):

        f = s(xf + h @ Uf)
        n = a(xn + f * (h @ Un + recurrent_bias))    with `reset_gate`
        n = a(xn + h @ Un)                           without
        h' = (1 - f) * n + f * h

    Called as `carry, y = cell(carry, x)`, where the carry is `h`, and `y` too. `RNN(cell)` runs it
    over a sequence.

    Args:
        features: size of the carry and of the output.
        reset_gate: whether the gate also scales what the candidate sees of `h`.
        activation: name or function, of the candidate `n`.
        gate_activation: name or function, of the gate.
        forget_bias: added to the gate's part of the bias at `init`, so that an untrained cell
            remembers. Has no effect without bias.
        use_bias: whether to add the biases.
        kernel_init: name or function, for either part of `W`.
        recurrent_init: name or function, for either part of `U`.
        bias_init: name or function, for both biases.
        dtype: what to compute products in, and the type of the output; the carry is kept in float32
            at least. None: what `x` and the parameters promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(*batch, in_features)`; y and the carry: `(*batch, features)`; input.kernel:
            `(in_features, 2 * features)`; input.bias: `(2 * features,)`; recurrent.kernel:
            `(features, 2 * features)`; recurrent_bias: `(features,)`, with `reset_gate` only.

    State:
        None: the parameters change by training only.

    Raises:
        ArgumentError: `features`, `forget_bias` or a dtype is outside its range.
        UnknownNameError: no activation or initialiser has that name.
        ShapeError: `x` or the carry does not match the parameters.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> cell = tx.nn.MGUCell(4).init(0, (None, jnp.ones((2, 3))))
        >>> h, y = cell(None, jnp.ones((2, 3)))
        >>> y.shape, cell.input.kernel.shape
        ((2, 4), (3, 8))

    Reference:
        Zhou et al., Minimal Gated Unit for Recurrent Neural Networks (2016), in the form of Flax's
        `MGUCell`: `f` acts after the product with the recurrent kernel, and says how much of the
        old `h` is kept, where the paper's says how much of the candidate is taken.
    """

    recurrent_bias: jax.Array | None = Parameter.node()
    reset_gate: bool = static()

    def __init__(
        self,
        features: int,
        *,
        reset_gate: bool = True,
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
        where = type(self).__name__
        amount = finite(where, "forget_bias", forget_bias)
        bias = ForgetBias(check_initializer(where, "bias_init", bias_init), 2, 0, amount)
        self.reset_gate = bool(reset_gate)
        self.input = linear_part(
            self, 2, "kernel_init", kernel_init, use_bias=use_bias, bias_init=bias
        )
        self.recurrent = linear_part(self, 2, "recurrent_init", recurrent_init)
        self.recurrent_bias = candidate_bias(self, bias_init, use_bias and self.reset_gate)

    def step(self, carry: jax.Array, projected: jax.Array) -> tuple[jax.Array, jax.Array]:
        h = carry
        gate, activation = self._activations()
        x_f, x_n = jnp.split(projected.astype(h.dtype), 2, -1)
        h_f, h_n = jnp.split(self._recur(h, projected), 2, -1)
        f = gate(x_f + h_f)
        if self.recurrent_bias is not None:
            h_n = h_n + along_last(self.recurrent_bias.astype(h.dtype), h_n)
        n = activation(x_n + (f * h_n if self.reset_gate else h_n))
        h = (1 - f) * n + f * h
        return h, h.astype(projected.dtype)
