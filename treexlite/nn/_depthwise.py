"""DepthwiseConv and SeparableConv: space and channels one after the other.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with other channels, and with spatial axes that strides and padding decide. Nothing is mutated
after `init`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite.nn import _window
from treexlite.nn._arguments import positive_int
from treexlite.nn._conv import Conv
from treexlite.nn._convolution import Convolution
from treexlite.nn._initializers import InitFunction


class DepthwiseConv(Convolution):
    """Convolve every channel by itself, with `channel_multiplier` kernels of its own.

    Output channel `c * channel_multiplier + m` is channel `c` convolved with its kernel number `m`.

    Args:
        kernel_size: as for `Conv`.
        channel_multiplier: number of output channels for each input channel.
        strides: as for `Conv`.
        padding: as for `Conv`.
        dilation: as for `Conv`.
        use_bias: whether to add `bias`.
        kernel_init: name or function; the default keeps the variance of the input.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *spatial',
            channels * channel_multiplier)`;
        kernel: `(*kernel_size, 1, channels * channel_multiplier)`; bias: its last axis.

    State:
        None: `kernel` and `bias` change by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no padding or initialiser has that name.
        ShapeError: `x` has too few axes, another number of channels than at `init`, is smaller than
            the window, or there is no position to fill a circular or mirrored border from.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.DepthwiseConv((3, 3), channel_multiplier=2).init(
        ...     0, jnp.ones((1, 8, 8, 5))
        ... )
        >>> layer.kernel.shape, layer(jnp.ones((4, 8, 8, 5))).shape
        ((3, 3, 1, 10), (4, 8, 8, 10))

    Reference:
        `DepthwiseConv1D` and `DepthwiseConv2D` of Keras, whose kernel is ours with the last two
        axes `(channels, channel_multiplier)`, and which draws it from `glorot_uniform`. The same as
        a `Conv` with as many groups as channels.
    """

    channel_multiplier: int = static()

    def __init__(
        self,
        kernel_size: _window.Sizes,
        *,
        channel_multiplier: int = 1,
        strides: _window.Sizes = 1,
        padding: _window.Padding = "SAME",
        dilation: _window.Sizes = 1,
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.channel_multiplier = positive_int(where, "channel_multiplier", channel_multiplier)
        super().__init__(
            kernel_size,
            strides=strides,
            padding=padding,
            dilation=dilation,
            use_bias=use_bias,
            kernel_init=kernel_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self._prepare(x)
        if self.initializing():
            self._create(1, x.shape[-1] * self.channel_multiplier)
        channels = self.kernel.shape[-1] // self.channel_multiplier
        self._check_channels(x, channels)
        _window.check_fit(type(self).__name__, x, self._extent, self.padding)
        fill, padding = self._window_padding()
        return self._convolve(x, channels, steps=self.strides, fill=fill, padding=padding)


class SeparableConv(Module):
    """Mix space first, by a `DepthwiseConv`, and channels then, by a `Conv` of window 1.

    With a window of `k` positions and `c` channels on both sides this takes `c * k + c * c`
    multiplications for each position, where `Conv` takes `c * c * k`.

    Args:
        features: number of output channels.
        kernel_size: as for `Conv`.
        channel_multiplier: number of channels between the two, for each input channel.
        strides: as for `Conv`; the first of the two takes the steps.
        padding: as for `Conv`.
        dilation: as for `Conv`.
        use_bias: whether the second one adds `bias`; the first has none.
        kernel_init: name or function, for both kernels.
        bias_init: name or function.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(batch, *spatial, channels)`, with no or several batch axes too; y: `(batch, *spatial',
            features)`.

    State:
        None: `depthwise.kernel`, `pointwise.kernel` and `pointwise.bias` change by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no padding or initialiser has that name.
        ShapeError: as `DepthwiseConv` does.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.SeparableConv(16, (3, 3), strides=2).init(0, jnp.ones((1, 8, 8, 5)))
        >>> layer.depthwise.kernel.shape, layer.pointwise.kernel.shape
        ((3, 3, 1, 5), (1, 1, 5, 16))
        >>> layer(jnp.ones((4, 8, 8, 5))).shape
        (4, 4, 4, 16)

    Reference:
        Chollet, Xception (2017); `SeparableConv1D` and `SeparableConv2D` of Keras.
    """

    depthwise: DepthwiseConv
    pointwise: Conv
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        features: int,
        kernel_size: _window.Sizes,
        *,
        channel_multiplier: int = 1,
        strides: _window.Sizes = 1,
        padding: _window.Padding = "SAME",
        dilation: _window.Sizes = 1,
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        self.depthwise = DepthwiseConv(
            kernel_size,
            channel_multiplier=channel_multiplier,
            strides=strides,
            padding=padding,
            dilation=dilation,
            use_bias=False,
            kernel_init=kernel_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        self.pointwise = Conv(
            features,
            (1,) * len(self.depthwise.kernel_size),
            use_bias=use_bias,
            kernel_init=kernel_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        self.dtype, self.param_dtype = self.pointwise.dtype, self.pointwise.param_dtype

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.pointwise(self.depthwise(x))
