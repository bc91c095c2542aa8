"""A penalty on how far a kernel stretches: its largest singular value.

What flows in: a kernel, taken as a matrix `(window * in, out)`. What flows out: one number, at
least in float32. Nothing is remembered between calls, and nothing is random.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from treexlite._core._filters import Filter
from treexlite._errors import ArgumentError, describe
from treexlite._kernels import directions, matrix, number, widened
from treexlite.regularizers._regularizer import Regularizer


class Spectral(Regularizer):
    """Stretch: `strength · σ²`, where σ is the largest singular value of the kernel.

    σ is how much longer the layer can make a change of its input, so small ones make a model
    insensitive to perturbations. Other singular values are not touched, unlike by `L2`, which is
    the sum of the squares of them all.

    Args:
        strength: factor, at least 0.
        num_steps: how many steps of the power method to find σ with, from a start that is the same
            each time; the result is at most σ. None decomposes the kernel, which is exact, and
            slow for kernels with thousands of rows and columns.
        which: as in `Regularizer`.

    Raises:
        ArgumentError: `strength` is no finite number of at least 0, or `num_steps` no integer of at
            least 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> kernel = jnp.diag(jnp.array([3.0, 1.0]))
        >>> round(float(tx.regularizers.Spectral(0.5)(kernel)), 3)
        4.5
        >>> round(float(tx.regularizers.Spectral(0.5, num_steps=10)(kernel)), 3)
        4.5

    Reference:
        Yoshida and Miyato, Spectral Norm Regularization for Improving the Generalizability of Deep
        Learning (2017); their λ is `2 · strength`. `tx.nn.SpectralNorm` divides by σ instead.
    """

    strength: float
    num_steps: int | None

    def __init__(
        self,
        strength: float = 0.01,
        *,
        num_steps: int | None = None,
        which: Filter | None = None,
    ) -> None:
        super().__init__(which=which)
        where = type(self).__name__
        self.strength = number(where, "strength", strength, 0)
        self.num_steps = _check_steps(where, num_steps)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `spectral(parameter, strength)` with the steps of this regularizer."""
        return spectral(parameter, self.strength, num_steps=self.num_steps)


def spectral(
    x: ArrayLike, strength: ArrayLike = 0.01, *, num_steps: int | None = None
) -> jax.Array:
    """Compute `strength · σ²`, where σ is the largest singular value of a kernel.

    The gradient is `2 · strength · σ · u vᵀ` with the singular vectors u and v; where several
    singular values are the largest, that of one of them. Of a kernel of zeros it is 0. Second
    derivatives are right without `num_steps` only, and where no two singular values are equal.

    Args:
        x: the kernel.
        strength: factor.
        num_steps: steps of the power method; None is exact.

    Shapes:
        x: (in, out), or (*window, in, out), which is taken as (window * in, out).

    Raises:
        ShapeError: `x` has less than two axes.
        ArgumentError: `num_steps` is no integer of at least 1.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> round(float(tx.regularizers.spectral(jnp.ones((2, 3)), 1.0)), 3)
        6.0
    """
    _check_steps("spectral", num_steps)
    kernel = matrix("spectral", widened(x))
    if kernel.size == 0:
        return jnp.sum(kernel) * strength
    if num_steps is None:
        return jnp.square(jnp.linalg.svd(kernel, compute_uv=False)[0]) * strength
    u, v = _power_method(lax.stop_gradient(kernel), num_steps)
    # u · W v is largest there, so that the change of u and v adds nothing to the first derivative.
    return jnp.square(_product(u, _product(kernel, v))) * strength


def _power_method(kernel: jax.Array, num_steps: int) -> tuple[jax.Array, jax.Array]:
    """Return the singular vectors of the largest singular value, approximately."""
    start = np.random.default_rng(0).normal(size=kernel.shape[1])  # orthogonal to none of them

    def step(_: int, v: jax.Array) -> jax.Array:
        return _unit(_product(_unit(_product(kernel, v)), kernel))

    v = lax.fori_loop(0, num_steps, step, _unit(jnp.asarray(start, kernel.dtype)))
    return _unit(_product(kernel, v)), v


def _unit(vector: jax.Array) -> jax.Array:
    return directions(vector, (0,))


def _product(left: jax.Array, right: jax.Array) -> jax.Array:
    return jnp.dot(left, right, precision=lax.Precision.HIGHEST)


def _check_steps(where: str, num_steps: int | None) -> int | None:
    is_int = isinstance(num_steps, (int, np.integer)) and not isinstance(num_steps, bool)
    if num_steps is None or (is_int and num_steps >= 1):
        return None if num_steps is None else int(num_steps)
    raise ArgumentError(
        where,
        expected="`num_steps` to be an integer of at least 1, or None",
        received=f"num_steps={describe(num_steps)}",
        fix="Pass for example `num_steps=10`.",
    )
