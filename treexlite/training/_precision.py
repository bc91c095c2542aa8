"""Precision: a dtype policy for a whole model, and the loss scale that float16 needs.

What flows in: what the user wrote as `dtype_policy=` and `optimizer=`. What flows out: a policy, an
optimizer. Nothing is mutated here; the trainer applies the policy to the model.

In float16 gradients below 6e-8 are 0. So the loss is multiplied by a scale before gradients are
taken, and they are divided by it before the step (`tx.Optimizer(loss_scale=)`).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from treexlite._errors import ArgumentError, describe
from treexlite.nn import policy
from treexlite.nn._policy import Policy
from treexlite.optimizers._optimizer import Optimizer
from treexlite.optimizers._registry import as_optimizer


def as_policy(where: str, value: Any) -> Policy | None:
    """Return a policy for a policy, a name, or None.

    Raises:
        UnknownNameError: the name stands for nothing.
        ArgumentError: it is none of these.
    """
    if value is None or isinstance(value, Policy):
        return value
    if isinstance(value, str):
        return policy(value)
    raise ArgumentError(
        where,
        expected="`dtype_policy` to be a name or a `tx.nn.policy(...)`",
        received=f"dtype_policy={describe(value)}",
        fix="Pass for example `dtype_policy='mixed_bfloat16'`.",
    )


def scaled_optimizer(where: str, value: Any, dtypes: Policy | None) -> Optimizer | None:
    """Return the optimizer for what `optimizer=` says; beside float16, one with a loss scale.

    One that is built here gets a dynamic scale. An `Optimizer` that was given is not changed.

    Raises:
        UnknownNameError: a string names no optimizer.
        ArgumentError: it is nothing that moves parameters, or an `Optimizer` without a loss scale
            beside float16.
    """
    if value is None:
        return None
    optimizer = as_optimizer(where, value)
    if dtypes is None or dtypes.compute_dtype != jnp.float16 or optimizer.loss_scale is not None:
        return optimizer
    if optimizer is value:
        raise ArgumentError(
            where,
            expected="an optimizer with a loss scale, because small gradients are 0 in float16",
            received="Optimizer(loss_scale=None)",
            fix="Build it with `loss_scale='dynamic'`; `loss_scale=1.0` says that none is wanted.",
        )
    return Optimizer(value, loss_scale="dynamic")
