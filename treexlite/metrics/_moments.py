"""Means and centred products of float32 numbers: batch by batch, mergeable, sound at any offset.

The variance of numbers around 10,000 is lost when it is computed as mean(x²) - mean(x)²: the two
are the same in all of their digits. So what is kept is the mean and the sum of (x - mean)², and two
parts of the data are merged by what lies between their means. The same holds for the covariance of
two variables, and for any number of them side by side.

Pure functions; sums and means are pairs as `_sums` keeps them, so the means of two parts may be
subtracted although nearly all of their digits agree.

Reference:
    Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    variances" (1979).
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from treexlite.metrics import _sums

Products: TypeAlias = tuple[tuple[int, int], ...]
"""Which variables are multiplied: ((0, 0),) for a variance, (0, 1) for a covariance."""


class Moments(NamedTuple):
    """What is known of the data.

    Attributes:
        weight: the sum of the weights, (2,).
        mean: the weighted means, (2, variables, outputs).
        products: for each of the products (i, j) the sum of w * (x_i - mean_i) * (x_j - mean_j),
            (2, products, outputs).
    """

    weight: jax.Array
    mean: jax.Array
    products: jax.Array


def empty(variables: int, products: int, outputs: int) -> Moments:
    """Return the moments of nothing."""
    return Moments(
        _sums.empty(),
        jnp.zeros((2, variables, outputs), jnp.float32),
        jnp.zeros((2, products, outputs), jnp.float32),
    )


@partial(jax.jit, static_argnames="products")
def of(x: jax.Array, weights: jax.Array | None, products: Products) -> Moments:
    """Return the moments of one batch.

    Args:
        x: the variables, each with all outputs; what weighs 0 may hold anything.
        weights: how much each example counts; None is 1.
        products: which variables are multiplied.

    Shapes:
        x: (variables, batch, outputs).
        weights: (batch,).
    """
    x = x.astype(jnp.float32)
    variables, batch, outputs = x.shape
    if batch == 0:
        return empty(variables, len(products), outputs)
    weights = jnp.ones(batch, jnp.float32) if weights is None else weights
    weight = _sums.of(weights)
    scale = jnp.where(_sums.value(weight) == 0, 1, _sums.value(weight))
    weights = weights[:, None]
    present = (weights != 0)[None]  # (1, batch, 1)

    # Distances to one of the examples: exact for numbers close together, 0 if all are the same.
    origin = x[:, jnp.argmax(present)]  # (variables, outputs)
    away = jnp.where(jnp.broadcast_to(present, x.shape), x - origin[:, None], 0)
    rest = _sums.value(_sums.along(away * weights[None], 1)) / scale
    centred = jnp.where(jnp.broadcast_to(present, x.shape), away - rest[:, None], 0)
    multiplied = jnp.stack([weights * centred[i] * centred[j] for i, j in products])
    mean = _sums.add(_exactly(origin), _exactly(rest))
    has_data = _sums.value(weight) != 0
    return Moments(weight, jnp.where(has_data, mean, 0), _sums.along(multiplied, 1))


@partial(jax.jit, static_argnames="products")
def merge(a: Moments, b: Moments, products: Products) -> Moments:
    """Return the moments of two parts of the data together."""
    weight = _sums.add(a.weight, b.weight)
    total = _sums.value(weight)
    share = _sums.value(b.weight) / jnp.where(total == 0, 1, total)
    apart = _sums.value(_sums.add(b.mean, -a.mean))  # (variables, outputs)
    moved = _sums.add(a.mean, _exactly(apart * share))
    mean = jnp.where(_sums.value(a.weight) == 0, b.mean, moved)
    between = _sums.value(a.weight) * share
    steps = jnp.stack([apart[i] * apart[j] for i, j in products])
    steps = jnp.where(between == 0, 0, between * steps)
    together = _sums.add(_sums.add(a.products, b.products), _exactly(steps))
    return Moments(weight, mean, together)


def _exactly(x: jax.Array) -> jax.Array:
    """Return float32 numbers as pairs."""
    return jnp.stack([x, jnp.zeros_like(x)])
