"""Initialisers by name: `kernel_init="he_normal"` instead of a function.

In: a string, or a function `(key, shape, dtype) -> array` such as those of `jax.nn.initializers`.
Out: the first value of a parameter. A layer keeps what it was given, so that it prints as it was
written.

For a kernel `(*window, in, out)`, with `fan_in = window * in` and `fan_out = window * out`:

    lecun_normal, lecun_uniform       variance 1 / fan_in: keeps the size of the signal; our default
    he_normal, he_uniform             variance 2 / fan_in: the same behind a relu   (also kaiming_*)
    glorot_normal, glorot_uniform     variance 2 / (fan_in + fan_out)               (also xavier_*)
    he_normal_fan_out                 variance 2 / fan_out: the same for gradients, as in ResNets
    orthogonal                        orthonormal columns or rows
    delta_orthogonal                  the same in the centre of the window, zeros around
    identity                          the layer returns its input
    normal, truncated_normal          standard deviation 0.05, before the cut
    uniform                           between -0.05 and 0.05
    embed_normal                      rows of a table (entries, features) have length 1 on average
    zeros, ones

`truncated_normal` and `lecun_`, `he_` and `glorot_normal` cut the normal distribution off at two
standard deviations; the last three make up for the lost variance. The functions that take arguments
are in `tx.nn.initializers`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax.nn import initializers as jax_initializers

from treexlite._errors import ArgumentError, ShapeError, describe, unknown_name
from treexlite.nn.initializers._fixed import Fixed, identity
from treexlite.nn.initializers._orthogonal import delta_orthogonal, orthogonal

InitFunction: TypeAlias = Callable[..., jax.Array]
"""A function `(key, shape, dtype) -> array`."""

_SPREAD = 0.05  # Keras's; JAX's own 0.01, with `uniform` one-sided, suits no layer


def _uniform(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    return jax.random.uniform(key, shape, dtype, -_SPREAD, _SPREAD)


_BY_NAME: dict[str, InitFunction] = {
    "delta_orthogonal": delta_orthogonal(),
    "embed_normal": jax_initializers.variance_scaling(1.0, "fan_in", "normal", out_axis=0),
    "glorot_normal": jax_initializers.glorot_normal(),
    "glorot_uniform": jax_initializers.glorot_uniform(),
    "he_normal": jax_initializers.he_normal(),
    "he_normal_fan_out": jax_initializers.variance_scaling(2.0, "fan_out", "truncated_normal"),
    "he_uniform": jax_initializers.he_uniform(),
    "identity": identity(),
    "kaiming_normal": jax_initializers.he_normal(),
    "kaiming_uniform": jax_initializers.he_uniform(),
    "lecun_normal": jax_initializers.lecun_normal(),
    "lecun_uniform": jax_initializers.lecun_uniform(),
    "normal": jax_initializers.normal(_SPREAD),
    "ones": jax_initializers.ones,
    "orthogonal": orthogonal(),
    "truncated_normal": jax_initializers.truncated_normal(_SPREAD),
    "uniform": _uniform,
    "xavier_normal": jax_initializers.glorot_normal(),
    "xavier_uniform": jax_initializers.glorot_uniform(),
    "zeros": jax_initializers.zeros,
}

_KEYLESS = ("zeros", "ones", "identity", jax_initializers.zeros, jax_initializers.ones)


def get_initializer(initializer: str | InitFunction) -> InitFunction:
    """Return the function that `initializer` stands for.

    Args:
        initializer: a name of the table above, or a function `(key, shape, dtype) -> array`, which
            is returned as it is.

    Raises:
        UnknownNameError: the name stands for nothing; close names are listed.
        ArgumentError: `initializer` is neither a string nor callable.

    Example:
        >>> import jax, treexlite as tx
        >>> tx.nn.get_initializer("ones")(jax.random.key(0), (2,), "float32")
        Array([1., 1.], dtype=float32)

    Reference:
        The names mean what they mean in Keras 3. `jax.nn.initializers.normal()` has standard
        deviation 0.01 instead, and `uniform()` there is between 0 and 0.01.
    """
    return _find("get_initializer", "initializer", initializer)


def check_initializer(where: str, name: str, initializer: Any) -> str | InitFunction:
    """Return the argument `name` of the layer `where` as it is, when it stands for a function.

    Raises:
        UnknownNameError: it is a string that stands for nothing.
        ArgumentError: it is neither a string nor callable.
    """
    _find(where, name, initializer)
    return initializer  # type: ignore[no-any-return]  # a string or a callable, as just checked


def is_random(initializer: str | InitFunction) -> bool:
    """Whether the values can depend on the key; a function of the user's is taken to use it."""
    return not isinstance(initializer, Fixed) and initializer not in _KEYLESS


def draw(
    where: str,
    initializer: str | InitFunction,
    shape: tuple[int, ...],
    dtype: Any,
    key: jax.Array | None,
) -> jax.Array:
    """Return the first value of a parameter; `key` may be None when it is not random.

    Raises:
        ShapeError: the function returned another shape than it was asked for.
    """
    if 0 in shape:
        return jnp.zeros(shape, dtype)  # by fan, the spread would be infinite
    value = _find(where, "initializer", initializer)(key, shape, dtype)
    if jnp.shape(value) != shape:
        raise ShapeError(
            where,
            expected=f"the initialiser to return an array of shape {shape}",
            received=f"{getattr(initializer, '__name__', initializer)} -> {describe(value)}",
            fix="Return an array of the `shape` that the function is called with.",
        )
    return jnp.asarray(value, dtype)


def _find(where: str, name: str, initializer: Any) -> InitFunction:
    if isinstance(initializer, str):
        if initializer not in _BY_NAME:
            raise unknown_name(where, "an initialiser", initializer, _BY_NAME)
        return _BY_NAME[initializer]
    if not callable(initializer):
        raise ArgumentError(
            where,
            expected=f"`{name}` to be a name or a function `(key, shape, dtype) -> array`",
            received=f"{name}={describe(initializer)}",
            fix=f'Pass for example `{name}="he_normal"` or `{name}=jax.nn.initializers.zeros`.',
        )
    return initializer  # type: ignore[no-any-return]  # callable, and no more can be known of it
