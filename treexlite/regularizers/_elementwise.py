"""Penalties on the size of each weight: L1, L2, and both.

What flows in: one array. What flows out: one number, at least in float32.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core._filters import Filter
from treexlite._kernels import magnitudes, number, widened
from treexlite.regularizers._regularizer import Regularizer


class L1(Regularizer):
    """Absolute values: `strength · sum |w|`. Pulls every weight with the same force, some to 0.

    Args:
        strength: factor, at least 0.
        which: as in `Regularizer`.

    Raises:
        ArgumentError: `strength` is no finite number of at least 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.regularizers.L1(0.5)(jnp.array([1.0, -3.0])))
        2.0

    Reference:
        Tibshirani, Regression shrinkage and selection via the lasso (1996). As in
        Keras, but the gradient at 0 is 0, so that weights which are 0 stay there; with JAX, Keras's
        is `strength`.
    """

    strength: float

    def __init__(self, strength: float = 0.01, *, which: Filter | None = None) -> None:
        super().__init__(which=which)
        self.strength = number(type(self).__name__, "strength", strength, 0)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `l1(parameter, strength)`."""
        return l1(parameter, self.strength)


class L2(Regularizer):
    """Squares: `strength · sum w²`. Pulls each weight in proportion to its size.

    There is no factor of 1/2: the gradient is `2 · strength · w`. PyTorch's `weight_decay=d` (of
    SGD, and of Adam) adds `d · w` to the gradient, which is `L2(d / 2)` on all parameters. AdamW
    decays weights beside the gradient; no penalty does that, `optax.adamw` does.

    Args:
        strength: factor, at least 0.
        which: as in `Regularizer`.

    Raises:
        ArgumentError: `strength` is no finite number of at least 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.regularizers.L2(0.5)(jnp.array([1.0, -3.0])))
        5.0
        >>> model = tx.nn.Linear(2, kernel_init="ones").init(0, jnp.ones((1, 3)))
        >>> float(tx.regularizers.L2(0.5)(model)), float(tx.regularizers.L2(which="bias")(model))
        (3.0, 0.0)

    Reference:
        As `keras.regularizers.L2`. `optax.tree.norm(params, squared=True)` is the sum of squares.
    """

    strength: float

    def __init__(self, strength: float = 0.01, *, which: Filter | None = None) -> None:
        super().__init__(which=which)
        self.strength = number(type(self).__name__, "strength", strength, 0)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `l2(parameter, strength)`."""
        return l2(parameter, self.strength)


class L1L2(Regularizer):
    """Absolute values and squares: `l1 · sum |w| + l2 · sum w²`, the elastic net.

    Args:
        l1: factor of the absolute values, at least 0. None: 0 when `l2` is given, else 0.01.
        l2: factor of the squares, at least 0. None: 0 when `l1` is given, else 0.01.
        which: as in `Regularizer`.

    Raises:
        ArgumentError: a factor is no finite number of at least 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.regularizers.L1L2(l1=1.0, l2=0.5)(jnp.array([1.0, -3.0])))
        9.0

    Reference:
        Zou and Hastie, Regularization and variable selection via the elastic net (2005). As
        `keras.regularizers.L1L2`, where both factors are 0 unless given, so that the name "l1_l2"
        does nothing there.
    """

    l1: float
    l2: float

    def __init__(
        self,
        l1: float | None = None,
        l2: float | None = None,
        *,
        which: Filter | None = None,
    ) -> None:
        super().__init__(which=which)
        where = type(self).__name__
        rest = 0.01 if l1 is None and l2 is None else 0.0
        self.l1 = number(where, "l1", rest if l1 is None else l1, 0)
        self.l2 = number(where, "l2", rest if l2 is None else l2, 0)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `l1_l2(parameter, l1, l2)`."""
        return l1_l2(parameter, self.l1, self.l2)


def l1(x: ArrayLike, strength: ArrayLike = 0.01) -> jax.Array:
    """Compute `strength · sum |x|`.

    Args:
        x: an array.
        strength: factor.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> jax.grad(tx.regularizers.l1)(jnp.array([2.0, 0.0, -3.0]), 1.0).tolist()
        [1.0, 0.0, -1.0]
    """
    return jnp.sum(magnitudes(widened(x))) * strength


def l2(x: ArrayLike, strength: ArrayLike = 0.01) -> jax.Array:
    """Compute `strength · sum x²`, without a factor of 1/2.

    Args:
        x: an array.
        strength: factor.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.regularizers.l2(jnp.array([1.0, 2.0]), 1.0))
        5.0
    """
    return jnp.sum(jnp.square(widened(x))) * strength


def l1_l2(x: ArrayLike, l1: ArrayLike = 0.01, l2: ArrayLike = 0.01) -> jax.Array:
    """Compute `l1 · sum |x| + l2 · sum x²`.

    Args:
        x: an array.
        l1: factor of the absolute values.
        l2: factor of the squares.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.regularizers.l1_l2(jnp.array([1.0, 2.0]), 1.0, 0.5))
        5.5
    """
    x = widened(x)
    return jnp.sum(magnitudes(x)) * l1 + jnp.sum(jnp.square(x)) * l2
