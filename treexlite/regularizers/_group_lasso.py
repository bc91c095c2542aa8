"""A penalty that takes weights out in groups.

What flows in: one array. What flows out: one number, at least in float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core._filters import Filter
from treexlite._kernels import lengths, measured_axes, number, optional_axes, widened
from treexlite.regularizers._regularizer import Regularizer


class GroupLasso(Regularizer):
    """Lengths of groups: `strength · sum over groups of √size · ‖w‖`.

    Pulls each group as a whole towards 0, so that a unit goes with all its weights or not at all.

    Args:
        strength: factor, at least 0.
        axis: the axis or axes along which a group lies. None: all but the last, so that a group is
            what leads into one output feature, whatever the window of a convolution; an array with
            one axis is one group. `axis=-1` makes a group of what an input feature leads to, which
            selects inputs.
        use_sizes: whether to multiply with the root of the size of a group, so that large groups
            are not preferred.
        which: as in `Regularizer`.

    Raises:
        ArgumentError: `strength` is no finite number of at least 0, or `axis` names no axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> kernel = jnp.array([[3.0, 0.0], [4.0, 0.0]])  # the second output has no weights
        >>> float(tx.regularizers.GroupLasso(1.0, use_sizes=False)(kernel))
        5.0
        >>> float(tx.regularizers.GroupLasso(1.0, axis=-1, use_sizes=False)(kernel))
        7.0

    Reference:
        Yuan and Lin, Model selection and estimation in regression with grouped variables (2006);
        for networks Scardapane et al., Group sparse regularization for deep neural networks (2017).
        Keras has no such regularizer. The gradient of a group of zeros is 0.
    """

    strength: float
    axis: tuple[int, ...] | None
    use_sizes: bool

    def __init__(
        self,
        strength: float = 0.01,
        *,
        axis: int | Sequence[int] | None = None,
        use_sizes: bool = True,
        which: Filter | None = None,
    ) -> None:
        super().__init__(which=which)
        where = type(self).__name__
        self.strength = number(where, "strength", strength, 0)
        self.axis = optional_axes(where, axis)
        self.use_sizes = bool(use_sizes)

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return `group_lasso(parameter, strength)` with the options of this regularizer."""
        return group_lasso(parameter, self.strength, axis=self.axis, use_sizes=self.use_sizes)


def group_lasso(
    x: ArrayLike,
    strength: ArrayLike = 0.01,
    *,
    axis: int | Sequence[int] | None = None,
    use_sizes: bool = True,
) -> jax.Array:
    """Compute `strength · sum over groups of √size · ‖x‖`; finite gradients at zero.

    Args:
        x: an array.
        strength: factor.
        axis: the axis or axes along which a group lies. None: all but the last.
        use_sizes: whether to multiply with the root of the size of a group.

    Raises:
        ShapeError: `x` does not have one of the axes.
        ArgumentError: `axis` names no axes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> float(tx.regularizers.group_lasso(jnp.ones((4, 3)), 1.0))  # 3 times 2 times 2
        12.0
    """
    where = "group_lasso"
    x = widened(x)
    axes = measured_axes(where, optional_axes(where, axis), x)
    size = math.prod(x.shape[axis] for axis in axes)
    factor = math.sqrt(size) if use_sizes else 1.0
    return jnp.sum(lengths(x, axes)) * factor * strength
