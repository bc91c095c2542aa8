"""Activations by name: `activation="relu"` instead of `activation=jax.nn.relu`.

In: a string or a function. Out: the function. The names are those of the functions in `tx.nn`, with
Keras's spelling beside them where the two differ (`linear`, `softsign`). A layer keeps what it was
given, so that it prints as it was written, and looks the function up when it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from treexlite._errors import ArgumentError, describe, unknown_name
from treexlite.nn import _activation_functions as functions

Activation: TypeAlias = Callable[[jax.Array], jax.Array]
"""A function that is applied to an array of features."""


def _identity(x: jax.Array) -> jax.Array:
    return x


_BY_NAME: dict[str, Callable[..., jax.Array]] = {
    "celu": jax.nn.celu,
    "elu": jax.nn.elu,
    "exponential": jnp.exp,
    "gelu": jax.nn.gelu,
    "gelu_exact": functions.gelu_exact,
    "gelu_tanh": jax.nn.gelu,
    "hard_shrink": functions.hard_shrink,
    "hard_sigmoid": jax.nn.hard_sigmoid,
    "hard_silu": jax.nn.hard_silu,
    "hard_swish": jax.nn.hard_swish,
    "hard_tanh": jax.nn.hard_tanh,
    "identity": _identity,
    "leaky_relu": jax.nn.leaky_relu,
    "linear": _identity,
    "log_sigmoid": jax.nn.log_sigmoid,
    "log_softmax": jax.nn.log_softmax,
    "mish": jax.nn.mish,
    "quick_gelu": functions.quick_gelu,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "relu_squared": functions.relu_squared,
    "selu": jax.nn.selu,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "soft_shrink": functions.soft_shrink,
    "soft_sign": jax.nn.soft_sign,
    "softmax": jax.nn.softmax,
    "softmin": functions.softmin,
    "softplus": jax.nn.softplus,
    "softsign": jax.nn.soft_sign,
    "sparse_plus": jax.nn.sparse_plus,
    "sparse_sigmoid": jax.nn.sparse_sigmoid,
    "sparsemax": functions.sparsemax,
    "squareplus": jax.nn.squareplus,
    "swish": jax.nn.swish,
    "tanh": jnp.tanh,
    "tanh_shrink": functions.tanh_shrink,
}


def get_activation(activation: str | Activation) -> Activation:
    """Return the function that `activation` stands for.

    Args:
        activation: a name, or a function of one array, which is returned as it is.

    Raises:
        UnknownNameError: the name stands for nothing; close names are listed.
        ArgumentError: `activation` is neither a string nor callable.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.nn.get_activation("relu")(jnp.array([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)

    Reference:
        `gelu` is the tanh approximation and `leaky_relu` has slope 0.01, as in `jax.nn`. Keras
        means the exact GELU and slope 0.2 by these names: pass a function to have them.
    """
    return find_activation("get_activation", activation)


def find_activation(where: str, activation: Any) -> Activation:
    """Do what `get_activation` does, with errors in the name of the layer `where`."""
    if isinstance(activation, str):
        if activation not in _BY_NAME:
            raise unknown_name(where, "an activation", activation, _BY_NAME)
        return _BY_NAME[activation]
    if not callable(activation):
        raise ArgumentError(
            where,
            expected="`activation` to be a name or a function of one array",
            received=f"activation={describe(activation)}",
            fix='Pass for example `activation="relu"` or `activation=jax.nn.relu`.',
        )
    return activation  # type: ignore[no-any-return]  # callable, and no more can be known of it
