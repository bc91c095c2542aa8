"""GRUCell: a gate that mixes old and new, and one that resets."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Parameter, static
from treexlite.nn._activations import Activation
from treexlite.nn._initializers import InitFunction
from treexlite.nn._promotion import along_last
from treexlite.nn._recurrent_cell import Cell, candidate_bias, linear_part


class GRUCell(Cell):
    """Make a step of a gated recurrent unit.

    With `x @ W + b` cut into `xr, xz, xn`, and `U` into `Ur, Uz, Un`, in this order (`s` is the
    gates' activation, `a` the other one):

        r = s(xr + h @ Ur)
        z = s(xz + h @ Uz)
        n = a(xn + r * (h @ Un + recurrent_bias))    with `reset_after`
        n = a(xn + (r * h) @ Un)                     without
        h' = (1 - z) * n + z * h

    Called as `carry, y = cell(carry, x)`, where the carry is `h`, and `y` too. `RNN(cell)` runs it
    over a sequence.

    Args:
        features: size of the carry and of the output.
        reset_after: whether the reset gate acts after the product with the recurrent kernel, the
            form of cuDNN, PyTorch and Flax, which needs one product for each step; or before it,
            the original form, which needs two.
        activation: name or function, of the candidate `n`.
        gate_activation: name or function, of the gates.
        use_bias: whether to add the biases.
        kernel_init: name or function, for each gate's part of `W`.
        recurrent_init: name or function, for each gate's part of `U`.
        bias_init: name or function, for both biases.
        dtype: what to compute products in, and the type of the output; the carry is kept in float32
            at least. None: what `x` and the parameters promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(*batch, in_features)`; y and the carry: `(*batch, features)`; input.kernel:
            `(in_features, 3 * features)`; input.bias: `(3 * features,)`; recurrent.kernel:
            `(features, 3 * features)`; recurrent_bias: `(features,)`. Without `reset_after`,
            recurrent.kernel is `(features, 2 * features)`, candidate.kernel `(features, features)`,
            and there is no recurrent_bias.

    State:
        None: the parameters change by training only.

    Raises:
        ArgumentError: `features` or a dtype is outside its range.
        UnknownNameError: no activation or initialiser has that name.
        ShapeError: `x` or the carry does not match the parameters.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> cell = tx.nn.GRUCell(4).init(0, (None, jnp.ones((2, 3))))
        >>> h, y = cell(None, jnp.ones((2, 3)))
        >>> y.shape, cell.input.kernel.shape, cell.recurrent.kernel.shape
        ((2, 4), (3, 12), (4, 12))

    Reference:
        Cho et al. (2014). `torch.nn.GRU` is the form with `reset_after`, in the same order of
        gates; the sum of its two biases is ours, except that its `bias_hh` for `n` is
        `recurrent_bias`. Keras's order is `z, r, n`. `flax.nnx.GRUCell` has no `recurrent_bias`.
    """

    recurrent_bias: jax.Array | None = Parameter.node()
    reset_after: bool = static()

    def __init__(
        self,
        features: int,
        *,
        reset_after: bool = True,
        activation: str | Activation = "tanh",
        gate_activation: str | Activation = "sigmoid",
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
        self.reset_after = bool(reset_after)
        self.input = linear_part(
            self, 3, "kernel_init", kernel_init, use_bias=use_bias, bias_init=bias_init
        )
        if self.reset_after:
            self.recurrent = linear_part(self, 3, "recurrent_init", recurrent_init)
        else:
            self.recurrent = linear_part(self, 2, "recurrent_init", recurrent_init)
            self.candidate = linear_part(self, 1, "recurrent_init", recurrent_init)
        self.recurrent_bias = candidate_bias(self, bias_init, use_bias and self.reset_after)

    def step(self, carry: jax.Array, projected: jax.Array) -> tuple[jax.Array, jax.Array]:
        h = carry
        gate, activation = self._activations()
        x_rz, x_n = jnp.split(projected.astype(h.dtype), [2 * self.features], -1)
        if self.reset_after:
            h_rz, h_n = jnp.split(self._recur(h, projected), [2 * self.features], -1)
            r, z = jnp.split(gate(x_rz + h_rz), 2, -1)
            if self.recurrent_bias is not None:
                h_n = h_n + along_last(self.recurrent_bias.astype(h.dtype), h_n)
            n = activation(x_n + r * h_n)
        else:
            r, z = jnp.split(gate(x_rz + self._recur(h, projected)), 2, -1)
            reset = (r * h).astype(projected.dtype)
            n = activation(x_n + self.candidate(reset).astype(h.dtype))
        h = (1 - z) * n + z * h
        return h, h.astype(projected.dtype)
