"""SimpleCell: one activation of input and carry."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite.nn._activations import Activation
from treexlite.nn._initializers import InitFunction
from treexlite.nn._recurrent_cell import Cell, linear_part


class SimpleCell(Cell):
    """Make a step of the plain recurrence: `h' = activation(x @ W + b + h @ U)`.

    Called as `carry, y = cell(carry, x)`, where the carry is `h`, and `y` too. `RNN(cell)` runs it
    over a sequence.

    Args:
        features: size of the carry and of the output.
        activation: name or function.
        use_bias: whether to add a bias.
        kernel_init: name or function, for `W`.
        recurrent_init: name or function, for `U`; the default keeps the length of `h`.
        bias_init: name or function.
        dtype: what to compute products in, and the type of the output; the carry is kept in float32
            at least. None: what `x` and the parameters promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(*batch, in_features)`; y and the carry: `(*batch, features)`; input.kernel:
            `(in_features, features)`; input.bias: `(features,)`; recurrent.kernel: `(features,
            features)`.

    State:
        None: the parameters change by training only.

    Raises:
        ArgumentError: `features` or a dtype is outside its range.
        UnknownNameError: no activation or initialiser has that name.
        ShapeError: `x` or the carry does not match the parameters.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> cell = tx.nn.SimpleCell(4).init(0, (None, jnp.ones((2, 3))))
        >>> carry, y = cell(None, jnp.ones((2, 3)))
        >>> carry, y = cell(carry, jnp.ones((2, 3)))
        >>> y.shape
        (2, 4)

    Reference:
        Elman, Finding Structure in Time (1990). `torch.nn.RNN` has two biases, whose sum is ours.
    """

    def __init__(
        self,
        features: int,
        *,
        activation: str | Activation = "tanh",
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
            gate_activation="linear",  # it has no gates
            dtype=dtype,
            param_dtype=param_dtype,
        )
        self.input = linear_part(
            self, 1, "kernel_init", kernel_init, use_bias=use_bias, bias_init=bias_init
        )
        self.recurrent = linear_part(self, 1, "recurrent_init", recurrent_init)

    def step(self, carry: jax.Array, projected: jax.Array) -> tuple[jax.Array, jax.Array]:
        _, activation = self._activations()
        h = activation(projected.astype(carry.dtype) + self._recur(carry, projected))
        return h, h.astype(projected.dtype)
