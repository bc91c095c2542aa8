"""ConvTranspose: the convolution that makes arrays larger.

What flows in: `(batch, *spatial, channels)`, with any number of batch axes. What flows out: the
same with new channels, and with about `strides` times as many positions. Nothing is mutated after
`init`.

XLA spreads the input itself (`lhs_dilation`), so no zeros are written to memory. All that is
decided here is how far the spread input is padded.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from treexlite._core import static
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn import _window
from treexlite.nn._arguments import is_int, positive_int
from treexlite.nn._convolution import Convolution, check_groups
from treexlite.nn._initializers import InitFunction


class ConvTranspose(Convolution):
    """Spread the input by `strides`, and convolve what lies between with a kernel.

    Up to the layout of the kernel this is the gradient of a `Conv` with these strides, paddings and
    dilation, so it brings back the shape that such a `Conv` was given.

    Args:
        features: number of output channels.
        kernel_size: size of the window along each spatial axis: `(3, 3)` for images. A plain
            integer is a window over sequences, and refuses inputs of higher rank.
        strides: how far the positions of the input are apart in the output; one integer, or one for
            each axis.
        padding: with `size` positions, and a window that reaches over `extent = dilation *
            (kernel_size - 1) + 1`, the output has: `"SAME"`: `size * strides`; `"VALID"`: `size *
            strides + max(extent - strides, 0)`; `"CAUSAL"`: `size * strides`, of which none sees
            later inputs; `"CIRCULAR"`: `size * strides`, with the ends joined; an integer, or for
            each axis an integer or a pair (before, after): `(size - 1) * strides + extent - before
            - after`, so amounts are what a `Conv` in the other direction adds, and are cut off
            here.
        output_padding: how many positions more the output has at the end of each axis; smaller than
            the stride or the dilation. A strided `Conv` gives several sizes of input the same size
            of output, and this chooses among them. One integer, or one for each axis.
        dilation: distance between the positions that the window touches; one integer, or one for
            each axis.
        groups: channels are cut into that many groups, convolved separately.
        use_bias: whether to add `bias`.
        kernel_init: name or function; the default keeps the variance of the input for stride 1.
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
        ShapeError: `x` has too few axes, another number of channels than `kernel`, or no positions;
            `groups` does not divide its channels; or the padding leaves no output.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.ConvTranspose(3, (4, 4), strides=2).init(0, jnp.ones((1, 7, 7, 16)))
        >>> layer.kernel.shape, layer(jnp.ones((8, 7, 7, 16))).shape
        ((4, 4, 16, 3), (8, 14, 14, 3))

    Reference:
        Layouts and the meaning of the named paddings as in Flax's `nnx.ConvTranspose`, whose
        amounts pad the spread input instead. Amounts, `output_padding` and groups as in PyTorch,
        whose kernel is ours mirrored along each spatial axis, with the channels in another order.
    """

    features: int = static()
    groups: int = static()
    output_padding: tuple[int, ...] = static()

    paddings: ClassVar[tuple[str, ...]] = ("SAME", "VALID", "CAUSAL", "CIRCULAR")

    def __init__(
        self,
        features: int,
        kernel_size: _window.Sizes,
        *,
        strides: _window.Sizes = 1,
        padding: _window.Padding = "SAME",
        output_padding: _window.Sizes = 0,
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
        self.output_padding = self._check_output_padding(output_padding)

    def __call__(self, x: jax.Array) -> jax.Array:
        where, groups = type(self).__name__, self.groups
        x = self._prepare(x)
        _window.check_not_empty(where, x, len(self.kernel_size))
        channels = x.shape[-1]
        if self.initializing():
            received = f"x={describe(x)}"
            check_groups(where, groups, "the channels of `x`", channels, ShapeError, received)
            self._create(channels // groups, self.features)
        self._check_channels(x, self.kernel.shape[-2] * groups)
        fill, padding = self._circular() if self.padding == "CIRCULAR" else (None, self._around())
        self._check_output(x, padding)
        ones = (1,) * len(self.strides)
        return self._convolve(
            x, groups, steps=ones, spread=self.strides, fill=fill, padding=padding
        )

    def _around(self) -> _window.Pairs:
        """Return how many zeros stand before and after the spread input."""
        name = self.padding if isinstance(self.padding, str) else ""
        cuts = ((0, 0),) * len(self.strides) if isinstance(self.padding, str) else self.padding
        pairs = []
        for cut, reach, step, more in zip(
            cuts, self._extent, self.strides, self.output_padding, strict=True
        ):
            before = after = reach - 1  # everything that the window touches
            if name == "SAME":
                before = reach - 1 if step >= reach else (reach + step - 1) // 2
                after = reach + step - 2 - before
            elif name == "CAUSAL":
                after = step - 1
            elif name == "VALID":
                after = max(reach, step) - 1
            pairs.append((before - cut[0], after - cut[1] + more))
        return tuple(pairs)

    def _circular(self) -> tuple[_window.Pairs, _window.Pairs]:
        """Return how many positions of the other end to add, and how many zeros after spreading.

        The window reads `before` positions before its own and `after` behind it, in a signal of
        period `size * strides`. Multiples of the stride are added to the input; the rest, which is
        shorter than a stride, lies between its values and is zero.
        """
        fill, zeros = [], []
        for reach, step in zip(self._extent, self.strides, strict=True):
            after = max(reach - step, 0) // 2
            before = reach - 1 - after
            behind = step - 1 + after  # the last value has `step - 1` zeros behind it
            fill.append((before // step, behind // step))
            zeros.append((before % step, behind % step))
        return tuple(fill), tuple(zeros)

    def _check_output(self, x: jax.Array, padding: _window.Pairs) -> None:
        if isinstance(self.padding, str):
            return  # which never cut anything off
        spatial = x.shape[-1 - len(self.strides) : -1]
        sizes = zip(spatial, self.strides, self._extent, padding, strict=True)
        output = tuple(
            (size - 1) * step + 2 - reach + sum(pair) for size, step, reach, pair in sizes
        )
        if any(size < 1 for size in output):
            raise ShapeError(
                type(self).__name__,
                expected=f"the output to have positions left; its spatial shape is {output}",
                received=f"x={describe(x)} and padding={self.padding}",
                fix="Pad less, because padding is cut off here, or pass larger inputs.",
            )

    def _check_output_padding(self, value: Any) -> tuple[int, ...]:
        num_axes = len(self.kernel_size)
        amounts = (value,) * num_axes if is_int(value) else value
        limits = tuple(max(pair) for pair in zip(self.strides, self.dilation, strict=True))
        valid = isinstance(amounts, (tuple, list)) and len(amounts) == num_axes
        if not valid or not all(
            is_int(amount) and 0 <= amount < limit
            for amount, limit in zip(amounts, limits, strict=True)
        ):
            raise ArgumentError(
                type(self).__name__,
                expected=f"`output_padding` to be at least 0 and smaller than {limits}, the larger"
                " of strides and dilation along each axis",
                received=f"output_padding={describe(value)}",
                fix="Choose a larger stride, or pad the output with `Pad`.",
            )
        if self.padding == "CIRCULAR" and any(amounts):
            raise ArgumentError(
                type(self).__name__,
                expected='`output_padding` to be 0 for `padding="CIRCULAR"`, which has no end',
                received=f"output_padding={describe(value)}",
                fix="Leave `output_padding` out.",
            )
        return tuple(map(int, amounts))


class ConvTranspose1D(ConvTranspose):
    """`ConvTranspose` over one axis, with any number of batch axes before it.

    `kernel_size` has one entry, which may be written as an integer. All else is as in
    `ConvTranspose`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.ConvTranspose1D(8, 4, strides=2).init(0, jnp.ones((1, 9, 3)))
        >>> layer(jnp.ones((2, 9, 3))).shape
        (2, 18, 8)

    Reference:
        `ConvTranspose1d` of PyTorch, `Conv1DTranspose` of Keras.
    """

    num_axes: ClassVar[int | None] = 1


class ConvTranspose2D(ConvTranspose):
    """`ConvTranspose` over two axes, with any number of batch axes before them.

    One integer as `kernel_size` stands for both axes. All else is as in `ConvTranspose`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.ConvTranspose2D(8, 4, strides=2).init(0, jnp.ones((1, 9, 9, 3)))
        >>> layer(jnp.ones((2, 9, 9, 3))).shape
        (2, 18, 18, 8)

    Reference:
        `ConvTranspose2d` of PyTorch, `Conv2DTranspose` of Keras.
    """

    num_axes: ClassVar[int | None] = 2


class ConvTranspose3D(ConvTranspose):
    """`ConvTranspose` over three axes, with any number of batch axes before them.

    One integer as `kernel_size` stands for all three axes. All else is as in `ConvTranspose`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.ConvTranspose3D(8, 2, strides=2).init(0, jnp.ones((1, 3, 3, 3, 2)))
        >>> layer(jnp.ones((2, 3, 3, 3, 2))).shape
        (2, 6, 6, 6, 8)

    Reference:
        `ConvTranspose3d` of PyTorch, `Conv3DTranspose` of Keras.
    """

    num_axes: ClassVar[int | None] = 3
