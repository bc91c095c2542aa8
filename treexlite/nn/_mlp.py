"""MLP: linear layers with an activation between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module
from treexlite._errors import ArgumentError, describe
from treexlite.nn._activations import Activation, find_activation
from treexlite.nn._arguments import unit_fraction
from treexlite.nn._dropout import Dropout
from treexlite.nn._initializers import InitFunction
from treexlite.nn._linear import Linear


class MLP(Module):
    """Apply `Linear` layers one after the other, with an activation between them.

    Args:
        features: output size of each layer, the last one included: `[64, 64, 10]` is three layers.
        activation: name or function, applied after every layer but the last.
        activate_final: apply it after the last layer too, as the trunk of a larger model needs.
        dropout_rate: fraction of the values that are dropped after every activation, in training.
        use_bias: whether the layers have biases.
        kernel_init: name or function, for every kernel.
        bias_init: name or function, for every bias.
        dtype: what to compute in; None: what input and parameters promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(..., in_features)`; y: `(..., features[-1])`.

    State:
        dropout.key: split by every drop in training; there is none when `dropout_rate` is 0.
        `layers[i].kernel` and `layers[i].bias` change by training only.

    Raises:
        ArgumentError: `features` is empty or no sequence of positive integers, or `dropout_rate`
            no fraction.
        UnknownNameError: no activation or initialiser has that name.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.MLP([8, 2], activation="tanh").init(0, jnp.ones((1, 3)))
        >>> [layer.kernel.shape for layer in model.layers]
        [(3, 8), (8, 2)]
        >>> model(jnp.zeros((5, 3))).shape
        (5, 2)
    """

    layers: list[Linear]
    dropout: Dropout | None

    def __init__(
        self,
        features: Sequence[int],
        *,
        activation: str | Activation = "relu",
        activate_final: bool = False,
        dropout_rate: float = 0.0,
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        sizes: Any = features
        if not isinstance(sizes, Sequence) or isinstance(sizes, str) or not sizes:
            raise ArgumentError(
                where,
                expected="`features` to be a sequence of layer sizes with at least one entry",
                received=f"features={describe(features)}",
                fix="Pass the output size of every layer, for example `MLP([64, 10])`.",
            )
        find_activation(where, activation)
        self.activation = activation
        self.activate_final = bool(activate_final)
        self.layers = [
            Linear(
                size,
                use_bias=use_bias,
                kernel_init=kernel_init,
                bias_init=bias_init,
                dtype=dtype,
                param_dtype=param_dtype,
            )
            for size in features
        ]
        rate = unit_fraction(where, "dropout_rate", dropout_rate)
        self.dropout = Dropout(rate) if rate else None

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers[:-1]:
            x = self._activated(layer(x))
        x = self.layers[-1](x)
        return self._activated(x) if self.activate_final else x

    def _activated(self, x: jax.Array) -> jax.Array:
        x = find_activation(type(self).__name__, self.activation)(x)
        return x if self.dropout is None else self.dropout(x)
