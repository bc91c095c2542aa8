"""Conv: one layer for sequences, images and volumes, and one name for each of them.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with new channels, and with spatial axes that strides and padding decide. Nothing is mutated
after `init`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from treexlite._core import static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn import _window
from treexlite.nn._arguments import positive_int
from treexlite.nn._convolution import Convolution, check_groups
from treexlite.nn._initializers import InitFunction


class Conv(Convolution):
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
            than the window; `groups` does not divide its channels; or there is no position to fill
            a circular or mirrored border from.

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

    features: int = static()
    groups: int = static()

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
        self.groups = positive_int(where, "groups", groups)
        received = f"features={features}"
        check_groups(where, self.groups, "`features`", features, ArgumentError, received)
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
        where, groups = type(self).__name__, self.groups
        x = self._prepare(x)
        channels = x.shape[-1]
        if self.initializing():
            received = f"x={describe(x)}"
            check_groups(where, groups, "the channels of `x`", channels, ShapeError, received)
            self._create(channels // groups, self.features)
        self._check_channels(x, self.kernel.shape[-2] * groups)
        _window.check_fit(where, x, self._extent, self.padding)
        fill, padding = self._window_padding()
        return self._convolve(x, groups, steps=self.strides, fill=fill, padding=padding)


class Conv1D(Conv):
    """`Conv` over one axis, with any number of batch axes before it.

    `kernel_size` has one entry, which may be written as an integer. All else is as in `Conv`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Conv1D(8, 3).init(0, jnp.ones((1, 9, 4)))
        >>> layer.kernel.shape, layer(jnp.ones((2, 9, 4))).shape
        ((3, 4, 8), (2, 9, 8))

    Reference:
        `Conv1d` of PyTorch, `Conv1D` of Keras.
    """

    num_axes: ClassVar[int | None] = 1


class Conv2D(Conv):
    """`Conv` over two axes, with any number of batch axes before them.

    One integer as `kernel_size` stands for both axes. All else is as in `Conv`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Conv2D(8, 3).init(0, jnp.ones((1, 9, 9, 4)))
        >>> layer.kernel.shape, layer(jnp.ones((2, 9, 9, 4))).shape
        ((3, 3, 4, 8), (2, 9, 9, 8))

    Reference:
        `Conv2d` of PyTorch, `Conv2D` of Keras.
    """

    num_axes: ClassVar[int | None] = 2


class Conv3D(Conv):
    """`Conv` over three axes, with any number of batch axes before them.

    One integer as `kernel_size` stands for all three axes. All else is as in `Conv`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Conv3D(8, 3).init(0, jnp.ones((1, 5, 5, 5, 4)))
        >>> layer.kernel.shape, layer(jnp.ones((2, 5, 5, 5, 4))).shape
        ((3, 3, 3, 4, 8), (2, 5, 5, 5, 8))

    Reference:
        `Conv3d` of PyTorch, `Conv3D` of Keras.
    """

    num_axes: ClassVar[int | None] = 3
