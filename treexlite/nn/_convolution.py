"""Convolution: what its layers share, which are `Conv`, `ConvTranspose` and `DepthwiseConv`.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with new channels. A layer decides how its window moves; here stand the parameters, the checks,
and the one call of XLA's convolution that all of them are. Nothing is mutated after `init`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import Module, Parameter, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn import _window
from treexlite.nn._arguments import is_int
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import along_last, compute_dtype


class Convolution(Module):
    """What convolutions have in common: `kernel`, `bias`, the window and dtypes."""

    kernel: jax.Array = Parameter.node()
    bias: jax.Array | None = Parameter.node()
    kernel_size: tuple[int, ...] = static()
    one_axis: bool = static()
    strides: tuple[int, ...] = static()
    padding: str | _window.Pairs = static()
    dilation: tuple[int, ...] = static()
    kernel_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    # How many spatial axes a class is for; None: as many as the window has.
    num_axes: ClassVar[int | None] = None
    paddings: ClassVar[tuple[str, ...]] = ("SAME", "VALID", "CAUSAL", "CIRCULAR", "REFLECT")

    def __init__(
        self,
        kernel_size: _window.Sizes,
        *,
        strides: _window.Sizes,
        padding: _window.Padding,
        dilation: _window.Sizes,
        use_bias: bool,
        kernel_init: str | InitFunction,
        bias_init: str | InitFunction,
        dtype: Any,
        param_dtype: Any,
    ) -> None:
        where = type(self).__name__
        self.kernel_size = _window.window_sizes(where, "kernel_size", kernel_size, self.num_axes)
        self.one_axis = self.num_axes is None and is_int(kernel_size)
        num_axes = len(self.kernel_size)
        self.strides = _window.for_each_axis(where, "strides", strides, num_axes)
        self.padding = _window.padding_of(where, padding, num_axes, self.paddings)
        self.dilation = _window.for_each_axis(where, "dilation", dilation, num_axes)
        self.kernel_init = check_initializer(where, "kernel_init", kernel_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)
        if not use_bias:
            self.bias = None

    @property
    def _extent(self) -> tuple[int, ...]:
        """How far the window reaches along each axis."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True))

    def _prepare(self, x: Any) -> jax.Array:
        """Return `x` as an array that has the axes the window slides over."""
        where, num_axes = type(self).__name__, len(self.kernel_size)
        array = as_array(self, x)
        _window.check_rank(where, "kernel_size", array, num_axes, self.one_axis)
        if self.padding in ("CIRCULAR", "REFLECT"):
            _window.check_not_empty(where, array, num_axes)
        return array

    def _create(self, in_channels: int, features: int) -> None:
        """Create the parameters; an output channel reads `in_channels` channels."""
        shape = (*self.kernel_size, in_channels, features)
        create(self, "kernel", self.kernel_init, shape, self.param_dtype)
        create(self, "bias", self.bias_init, self.kernel.shape[-1:], self.param_dtype)

    def _check_channels(self, x: jax.Array, channels: int) -> None:
        if x.shape[-1] != channels:
            raise ShapeError(
                type(self).__name__,
                expected=f"the channels of `x`, its last axis, to be {channels} (as `kernel` has)",
                received=f"x={describe(x)}",
                fix=(
                    f"Pass an array whose last axis has size {channels}, or create a new"
                    f" {type(self).__name__} and `init` it again."
                ),
            )

    def _window_padding(self) -> tuple[_window.Pairs | None, str | _window.Pairs]:
        """Return what to fill in with values of `x`, and what XLA fills in with zeros."""
        if self.padding == "CAUSAL":
            return None, tuple((reach - 1, 0) for reach in self._extent)
        if self.padding not in ("CIRCULAR", "REFLECT"):
            return None, self.padding
        return tuple(((reach - 1) // 2, reach // 2) for reach in self._extent), "VALID"

    def _convolve(
        self,
        x: jax.Array,
        groups: int,
        *,
        steps: tuple[int, ...],
        spread: tuple[int, ...] | None = None,
        fill: _window.Pairs | None,
        padding: str | _window.Pairs,
    ) -> jax.Array:
        """Convolve and add the bias.

        Args:
            x: what `_prepare` returned.
            groups: channels are cut into that many groups.
            steps: of the window.
            spread: distance of the values of `x`, with zeros between them. None: 1.
            fill: what to add on both sides of each axis, from the other end or mirrored.
            padding: what XLA adds after that.
        """
        dtype = compute_dtype(self.dtype, x, self.kernel, self.bias)
        num_axes = len(self.kernel_size)
        x, batch = _window.merge_batch_axes(x.astype(dtype), num_axes)
        if fill is not None:
            mode = "wrap" if self.padding == "CIRCULAR" else "reflect"
            x = jnp.pad(x, [(0, 0), *fill, (0, 0)], mode=mode)
        y = lax.conv_general_dilated(
            x,  # (batch, *spatial, in_channels)
            self.kernel.astype(dtype),
            window_strides=steps,
            padding=padding,
            lhs_dilation=spread,
            rhs_dilation=self.dilation,
            dimension_numbers=_channels_last(num_axes),
            feature_group_count=groups,
        )
        y = y if self.bias is None else y + along_last(self.bias.astype(dtype), y)
        return y.reshape(*batch, *y.shape[1:])  # (*batch, *spatial', features)


def check_groups(
    where: str,
    groups: int,
    what: str,
    size: int,
    error: type[ArgumentError | ShapeError],
    received: str,
) -> None:
    """Refuse channels that cannot be cut into groups of one size.

    Raises:
        ArgumentError: or the `error` asked for: `groups` does not divide `size`.
    """
    if size % groups:
        raise error(
            where,
            expected=f"{what} to be divisible by groups={groups}",
            received=received,
            fix="Choose a number of groups that divides the channels on both sides.",
        )


def _channels_last(num_axes: int) -> lax.ConvDimensionNumbers:
    spatial = tuple(range(1, num_axes + 1))
    data = (0, num_axes + 1, *spatial)
    return lax.ConvDimensionNumbers(data, (num_axes + 1, num_axes, *range(num_axes)), data)
