"""Initialisers: functions `(key, shape, dtype) -> array` for the first values of parameters.

What flows in: a key, a shape, a dtype. What flows out: an array. Nothing is mutated. Every layer
takes such a function, or its name, as `kernel_init`, `bias_init` and so on; names and what they
stand for are listed at `tx.nn.get_initializer`.

Those of `jax.nn.initializers` are here under the names that they have there. `constant` differs in
one thing: it can be pickled. `orthogonal` and `delta_orthogonal` also work in half precision, and
for kernels of every rank. `identity` and `sparse` are added.

A kernel has the axes `(*window, in, out)`, as everywhere in this library.
"""

from jax.nn.initializers import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    normal,
    ones,
    truncated_normal,
    uniform,
    variance_scaling,
    xavier_normal,
    xavier_uniform,
    zeros,
)

from treexlite.nn.initializers._fixed import constant, identity
from treexlite.nn.initializers._orthogonal import delta_orthogonal, orthogonal
from treexlite.nn.initializers._sparse import sparse

__all__ = [
    "constant",
    "delta_orthogonal",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
