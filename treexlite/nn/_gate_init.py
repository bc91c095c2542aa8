"""First values of fused parameters: one array for all gates, each gate drawn by itself.

A cell multiplies once for all of its gates, with a kernel `(..., in, gates * features)`. An
orthogonal or variance-scaling initialiser of that whole array would be of another size, or not
orthogonal for any gate. In: the initialiser of one gate. Out: one of the fused array. Both are
plain dataclasses, so that cells built alike are equal.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from treexlite.nn._initializers import InitFunction, draw


@dataclasses.dataclass(frozen=True)
class PerGate:
    """Draw every gate's part of a fused kernel by itself, and put them side by side.

    Attributes:
        init: name or function, for the kernel of one gate.
        num_gates: how many there are along the last axis.
    """

    init: str | InitFunction
    num_gates: int

    def __call__(self, key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
        part = (*shape[:-1], shape[-1] // self.num_gates)
        keys = jax.random.split(key, self.num_gates)
        return jnp.concatenate([draw("kernel", self.init, part, dtype, k) for k in keys], -1)


@dataclasses.dataclass(frozen=True)
class ForgetBias:
    """Draw a fused bias, and add a constant to the part of the forget gate.

    Attributes:
        init: name or function, for the whole bias.
        num_gates: how many gates there are.
        position: which of them forgets, from 0.
        amount: what is added.
    """

    init: str | InitFunction
    num_gates: int
    position: int
    amount: float

    def __call__(self, key: jax.Array, shape: tuple[int, ...], dtype: Any) -> jax.Array:
        features = shape[-1] // self.num_gates
        start = self.position * features
        bias = draw("bias", self.init, shape, dtype, key)
        return bias.at[start : start + features].add(self.amount)
