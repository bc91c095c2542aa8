"""The gradient penalty that keeps a critic 1-Lipschitz.

What flows in: a critic, real and generated examples, and a key. What flows out: one number, at
least in float32. A critic that is a module keeps what it changes in itself when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import Module
from treexlite._core._random import KeyLike, as_key
from treexlite._errors import ShapeError
from treexlite.losses._arguments import floating
from treexlite.losses._distance import length
from treexlite.transforms import grad


def gradient_penalty(
    critic: Callable[[jax.Array], jax.Array],
    real: ArrayLike,
    fake: ArrayLike,
    key: KeyLike,
) -> jax.Array:
    """Compute mean (‖∇x critic(x)‖ - 1)², where x lies at random between real and fake.

    Each x is e · real + (1 - e) · fake, with one e per example, uniform in [0, 1].

    Args:
        critic: a function from examples to one score each, or a module. It must not mix the
            examples of a batch, as batch normalization does in training mode.
        real: real examples.
        fake: generated ones.
        key: draws e; an int or a key of JAX.

    Shapes:
        real, fake: (batch, ...), the same.
        critic: (batch, ...) to (batch,) or (batch, 1).
        returns: ().

    Returns:
        The penalty, to be multiplied by a weight (10 in the paper) and added to
        `wasserstein_critic_loss`. Where the gradient of the critic is 0, that of its norm is taken
        as 0.

    Raises:
        ShapeError: the shapes of `real` and `fake` differ, or the critic gives not one score per
            example.
        DataError: `real` or `fake` do not hold numbers.
        ArgumentError: `key` is no key.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> steep = lambda x: 3 * x[:, 0]
        >>> float(tx.losses.gradient_penalty(steep, jnp.ones((4, 2)), jnp.zeros((4, 2)), 0))
        4.0

    Reference:
        Gulrajani et al., "Improved Training of Wasserstein GANs" (2017).
    """
    where = "gradient_penalty"
    ours, theirs = floating(where, "real", real), floating(where, "fake", fake)
    if ours.shape != theirs.shape or ours.ndim == 0:
        raise ShapeError(
            where,
            expected="`real` and `fake` of one shape (batch, ...)",
            received=f"real.shape={ours.shape}, fake.shape={theirs.shape}",
            fix="Generate as many examples as there are real ones.",
        )
    batch = ours.shape[0]
    dtype = jnp.promote_types(ours.dtype, theirs.dtype)
    share = jax.random.uniform(as_key(where, key), (batch,) + (1,) * (ours.ndim - 1), dtype)
    between = share * ours + (1 - share) * theirs

    def total(critic: Any, x: jax.Array) -> jax.Array:
        scores = critic(x)
        if scores.shape not in ((batch,), (batch, 1)):
            raise ShapeError(
                where,
                expected=f"one score per example from the critic, of shape {(batch,)}",
                received=f"scores.shape={scores.shape}",
                fix="Average what the critic says about the parts of an example.",
            )
        return jnp.sum(scores.astype(dtype))

    slopes: jax.Array
    if isinstance(critic, Module):
        slopes = grad(total, argnums=1)(critic, between)
    else:
        slopes = jax.grad(lambda x: total(critic, x))(between)
    norms = length(slopes.reshape(batch, -1))
    return jnp.mean(jnp.square(norms - 1))
