"""GroupNorm and InstanceNorm: normalisation of images that does not look at the batch.

What flows in and out: `(batch, *spatial, channels)`. Nothing is mutated after `init`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import positive_int
from treexlite.nn._axes import check_axes, find_spatial_axes
from treexlite.nn._initializers import InitFunction
from treexlite.nn._inputs import as_array
from treexlite.nn._norm import Norm, variance
from treexlite.nn._promotion import widened

_NUM_GROUPS = 32


class GroupNorm(Norm):
    """Normalise groups of channels of each example, over the group and the spatial axes.

    `y = (x - mean) / sqrt(var + epsilon) * scale + bias`. Channels that stand side by side form a
    group and share mean and variance; `scale` and `bias` have an entry for each channel.

    Args:
        num_groups: how many groups. None: 32, unless `group_size` is given.
        group_size: how many channels in a group, instead of `num_groups`.
        spatial_axes: the axes that share statistics, besides the channels. None: all but the first
            and the last, which suits one batch axis; `(-3, -2)` suits images with any number.
        epsilon: added to the variance.
        use_scale: whether to multiply with `scale`.
        use_bias: whether to add `bias`.
        scale_init: name or function.
        bias_init: name or function.
        dtype: type of the output. None: what `x`, `scale` and `bias` promote to.
        param_dtype: what `scale` and `bias` are stored in.

    Shapes:
        x, y: `(batch, *spatial, channels)`; scale, bias: `(channels,)`.

    State:
        None: `scale` and `bias` change by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or both `num_groups` and `group_size`
            are given.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` is a scalar, has channels that do not form such groups, or another number of
            them than at `init`, or does not have one of `spatial_axes`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.GroupNorm(2).init(0, jnp.ones((1, 4)))
        >>> layer(jnp.array([[1.0, 3.0, 20.0, 60.0]])).round(2)
        Array([[-1.,  1., -1.,  1.]], dtype=float32)

    Reference:
        Wu and He, Group Normalization (2018). Epsilon as in Flax; PyTorch's is 1e-5, Keras's 1e-3.
    """

    num_groups: int | None = static()
    group_size: int | None = static()
    spatial_axes: tuple[int, ...] | None = static()

    def __init__(
        self,
        num_groups: int | None = None,
        *,
        group_size: int | None = None,
        spatial_axes: int | Sequence[int] | None = None,
        epsilon: float = 1e-6,
        use_scale: bool = True,
        use_bias: bool = True,
        scale_init: str | InitFunction = "ones",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            epsilon=epsilon,
            use_scale=use_scale,
            use_bias=use_bias,
            scale_init=scale_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        where = type(self).__name__
        self.num_groups, self.group_size = _grouping(where, num_groups, group_size)
        given = spatial_axes is not None
        self.spatial_axes = check_axes(where, "spatial_axes", spatial_axes) if given else None

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        self._check_rank(x)
        axes = self._shared_axes(x)
        groups = self._groups(x)
        if self.initializing():
            self._create(x.shape[-1:])
        self._check_channels(x, "scale", self.scale)
        self._check_channels(x, "bias", self.bias)
        grouped = x.reshape(*x.shape[:-1], *groups)  # (batch, *spatial, num_groups, group_size)
        wide = widened(grouped)
        mean = wide.mean((*axes, x.ndim), keepdims=True)  # (batch, 1..., num_groups, 1)
        var = variance(wide, mean, (*axes, x.ndim))
        shape = (1,) * (x.ndim - 1) + groups
        return self._normalize(grouped, mean, var, shape).reshape(x.shape)

    def _shared_axes(self, x: jax.Array) -> tuple[int, ...]:
        """Return the spatial axes; there need not be any."""
        if self.spatial_axes is None and x.ndim < 3:
            return ()
        return find_spatial_axes(type(self).__name__, self.spatial_axes, x)

    def _groups(self, x: jax.Array) -> tuple[int, int]:
        """Return number and size of the groups."""
        name = "group_size" if self.num_groups is None else "num_groups"
        given: int = getattr(self, name)
        if x.shape[-1] % given:
            raise ShapeError(
                type(self).__name__,
                expected=f"the channels of `x`, its last axis, to be divisible by {name}={given}",
                received=f"x={describe(x)}",
                fix=f"Choose a `{name}` that divides {x.shape[-1]}.",
            )
        other = x.shape[-1] // given
        return (other, given) if self.num_groups is None else (given, other)


class InstanceNorm(Norm):
    """Normalise each channel of each example, over the spatial axes.

    `y = (x - mean) / sqrt(var + epsilon) * scale + bias`. It takes contrast out of an image.

    Args:
        spatial_axes: what mean and variance are taken over. None: all axes but the first and the
            last, which suits one batch axis; `(-3, -2)` suits images with any number.
        epsilon: added to the variance.
        use_scale: whether to multiply with `scale`.
        use_bias: whether to add `bias`.
        scale_init: name or function.
        bias_init: name or function.
        dtype: type of the output. None: what `x`, `scale` and `bias` promote to.
        param_dtype: what `scale` and `bias` are stored in.

    Shapes:
        x, y: `(batch, *spatial, channels)`; scale, bias: `(channels,)`.

    State:
        None: `scale` and `bias` change by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` has no spatial axis, or another number of channels than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.InstanceNorm().init(0, jnp.ones((1, 2, 1)))
        >>> layer(jnp.array([[[1.0], [3.0]]])).ravel().round(2)
        Array([-1.,  1.], dtype=float32)

    Reference:
        Ulyanov, Vedaldi and Lempitsky, Instance Normalization (2016). Epsilon, scale and bias as in
        Flax; PyTorch's epsilon is 1e-5, and it has scale and bias only with `affine=True`.
    """

    spatial_axes: tuple[int, ...] | None = static()

    def __init__(
        self,
        *,
        spatial_axes: int | Sequence[int] | None = None,
        epsilon: float = 1e-6,
        use_scale: bool = True,
        use_bias: bool = True,
        scale_init: str | InitFunction = "ones",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            epsilon=epsilon,
            use_scale=use_scale,
            use_bias=use_bias,
            scale_init=scale_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        given = spatial_axes is not None
        where = type(self).__name__
        self.spatial_axes = check_axes(where, "spatial_axes", spatial_axes) if given else None

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        self._check_rank(x)
        axes = find_spatial_axes(type(self).__name__, self.spatial_axes, x)
        if self.initializing():
            self._create(x.shape[-1:])
        self._check_channels(x, "scale", self.scale)
        self._check_channels(x, "bias", self.bias)
        wide = widened(x)
        mean = wide.mean(axes, keepdims=True)  # (batch, 1..., channels)
        shape = (1,) * (x.ndim - 1) + x.shape[-1:]
        return self._normalize(x, mean, variance(wide, mean, axes), shape)


def _grouping(
    where: str, num_groups: int | None, group_size: int | None
) -> tuple[int | None, int | None]:
    if group_size is None:
        given = _NUM_GROUPS if num_groups is None else num_groups
        return positive_int(where, "num_groups", given), None
    if num_groups is not None:
        raise ArgumentError(
            where,
            expected="one of `num_groups` and `group_size`",
            received=f"num_groups={num_groups!r}, group_size={group_size!r}",
            fix="Leave one of them out: the channels decide it.",
        )
    return None, positive_int(where, "group_size", group_size)
