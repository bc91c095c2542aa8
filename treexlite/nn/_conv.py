"""Conv: one layer for sequences, images and volumes.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with new channels, and with spatial axes that strides and padding decide. Nothing is mutated
after `init`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import Module, Parameter, static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn import _window
from treexlite.nn._arguments import is_int, positive_int
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import along_last, compute_dtype

_PADDINGS = ("SAME", "VALID", "CAUSAL", "CIRCULAR", "REFLECT")


class Conv(Module):
    """Convolve the spatial axes with a kernel, over any number of them.

    Each output channel at each position is the sum, over the window around the position and over
    the input channels, of `x * kernel`, plus a bias. (As everywhere in deep learning the kernel is
    not flipped.)

    Args:
        features: number of output channels.
        kernel_size: size of the window along each spatial axis: `(3, 3)` for images. A plain
            integer is a window over sequences, and refuses inputs of higher rank.
        strides: step of the window; one integer, or one for each axis.
        padding: `"SAME"` (output size = input size / strides, rounded up; zeros on both sides, the
            odd one after), `"VALID"` (only where the window fits), `"CAUSAL"` (zeros before, so
            that no output sees later positions), `"CIRCULAR"` and `"REFLECT"` (as SAME for stride
            1, filled with the other end or the mirror image), an integer, or for each axis an
            integer or a pair (before, after).
        dilation: distance between the positions that the window reads; one integer, or one for each
            axis.
        groups: channels are cut into that many groups, convolved separately; equal to the number of
            input channels for a depthwise convolution.
        use_bias: whether to add `bias`. Leave it out before a normalisation, which has its own.
        kernel_init: name or function; the default keeps the variance of the input.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(batch, *spatial, in_channels)`, with no or several batch axes too; y: `(batch,
            *spatial', features)`;
        kernel: `(*kernel_size, in_channels / groups, features)`; bias: `(features,)`.

    State:
        None: `kernel` and `bias` change by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or `groups` does not divide
            `features`.
        UnknownNameError: no padding or initialiser has that name.
        ShapeError: `x` has too few axes, another number of channels than `kernel`, or is smaller
            than the window; or `groups` does not divide its channels.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Conv(16, (3, 3), strides=2).init(0, jnp.ones((1, 28, 28, 1)))
        >>> layer.kernel.shape, layer(jnp.ones((8, 28, 28, 1))).shape
        ((3, 3, 1, 16), (8, 14, 14, 16))

    Reference:
        Layouts and the meaning of every padding as in Flax. PyTorch has channels first; its
        `padding="same"` and ours agree for stride 1, which is the only one it allows. Keras draws
        the kernel from `glorot_uniform`.
    """

    kernel: jax.Array = Parameter.node()
    bias: jax.Array | None = Parameter.node()
    features: int = static()
    kernel_size: tuple[int, ...] = static()
    one_axis: bool = static()
    strides: tuple[int, ...] = static()
    padding: str | _window.Pairs = static()
    dilation: tuple[int, ...] = static()
    groups: int = static()
    kernel_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        features: int,
        kernel_size: _window.Sizes,
        *,
        strides: _window.Sizes = 1,
        padding: _window.Padding = "SAME",
        dilation: _window.Sizes = 1,
        groups: int = 1,
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.features = positive_int(where, "features", features)
        self.kernel_size = _window.window_sizes(where, "kernel_size", kernel_size)
        self.one_axis = is_int(kernel_size)
        num_axes = len(self.kernel_size)
        self.strides = _window.for_each_axis(where, "strides", strides, num_axes)
        self.padding = _window.padding_of(where, padding, num_axes, _PADDINGS)
        self.dilation = _window.for_each_axis(where, "dilation", dilation, num_axes)
        self.groups = positive_int(where, "groups", groups)
        self._check_groups("`features`", features, ArgumentError, f"features={features}")
        self.kernel_init = check_initializer(where, "kernel_init", kernel_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)
        if not use_bias:
            self.bias = None

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jnp.asarray(x)
        num_axes = len(self.kernel_size)
        _window.check_rank(type(self).__name__, "kernel_size", x, num_axes, self.one_axis)
        if self.initializing():
            self._create(x)
        self._check_channels(x)
        _window.check_fit(type(self).__name__, x, self._extent, self.padding)
        dtype = compute_dtype(self.dtype, x, self.kernel, self.bias)
        x, batch = _window.merge_batch_axes(x.astype(dtype), num_axes)
        x, padding = self._pad(x)
        y = lax.conv_general_dilated(
            x,  # (batch, *spatial, in_channels)
            self.kernel.astype(dtype),
            window_strides=self.strides,
            padding=padding,
            rhs_dilation=self.dilation,
            dimension_numbers=_channels_last(num_axes),
            feature_group_count=self.groups,
        )
        y = y if self.bias is None else y + along_last(self.bias.astype(dtype), y)
        return y.reshape(*batch, *y.shape[1:])  # (*batch, *spatial', features)

    @property
    def _extent(self) -> tuple[int, ...]:
        """How far the window reaches along each axis."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True))

    def _create(self, x: jax.Array) -> None:
        channels = x.shape[-1]
        self._check_groups("the channels of `x`", channels, ShapeError, f"x={describe(x)}")
        shape = (*self.kernel_size, channels // self.groups, self.features)
        create(self, "kernel", self.kernel_init, shape, self.param_dtype)
        create(self, "bias", self.bias_init, self.kernel.shape[-1:], self.param_dtype)

    def _pad(self, x: jax.Array) -> tuple[jax.Array, str | _window.Pairs]:
        """Do the paddings that XLA has no name for, and return what is left for it to do."""
        if self.padding == "CAUSAL":
            return x, tuple((reach - 1, 0) for reach in self._extent)
        if self.padding not in ("CIRCULAR", "REFLECT"):
            return x, self.padding
        pairs = [((reach - 1) // 2, reach // 2) for reach in self._extent]
        mode = "wrap" if self.padding == "CIRCULAR" else "reflect"
        return jnp.pad(x, [(0, 0), *pairs, (0, 0)], mode=mode), "VALID"

    def _check_channels(self, x: jax.Array) -> None:
        channels = self.kernel.shape[-2] * self.groups
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

    def _check_groups(
        self, what: str, size: int, error: type[ArgumentError | ShapeError], received: str
    ) -> None:
        if size % self.groups:
            raise error(
                type(self).__name__,
                expected=f"{what} to be divisible by groups={self.groups}",
                received=received,
                fix="Choose a number of groups that divides the channels on both sides.",
            )


def _channels_last(num_axes: int) -> lax.ConvDimensionNumbers:
    spatial = tuple(range(1, num_axes + 1))
    data = (0, num_axes + 1, *spatial)
    return lax.ConvDimensionNumbers(data, (num_axes + 1, num_axes, *range(num_axes)), data)
