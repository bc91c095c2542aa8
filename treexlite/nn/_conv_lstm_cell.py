"""ConvLSTMCell: an LSTM over images, whose products are convolutions."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from treexlite._core import static
from treexlite.nn import _window
from treexlite.nn._activations import Activation
from treexlite.nn._conv import Conv
from treexlite.nn._gate_init import PerGate
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._lstm_cell import LSTMStep, lstm_bias


class ConvLSTMCell(LSTMStep):
    """Make a step of a long short-term memory with convolutions instead of matrix products.

    The formulas are those of `LSTMCell`, with `conv(x, W) + b + conv(h, U)` cut into `i, f, g, o`
    along the channels. The carry has the spatial axes of the output. `conv(h, U)` has stride 1 and
    padding `"SAME"`, whatever those of the input are.

    Called as `carry, y = cell(carry, x)`, where the carry is `(h, c)`, and `y` is the new `h`.
    `RNN(cell)` runs it over a sequence, `(batch, time, *spatial, channels)`.

    Args:
        features: number of channels of `h`, `c` and the output.
        kernel_size: size of the window along each spatial axis, `(3, 3)` for images; a plain
            integer means one axis.
        strides: step of the window over the input; one integer, or one for each axis.
        padding: of the input; as for `Conv`.
        dilation: distance between the positions of the input that the window reads.
        activation: name or function, of candidate and memory.
        gate_activation: name or function, of the gates.
        forget_bias: added to the forget gate's part of the bias at `init`. Has no effect without
            bias.
        use_bias: whether to add a bias.
        kernel_init: name or function, for each gate's part of `W`.
        recurrent_init: name or function, for each gate's part of `U`.
        bias_init: name or function.
        dtype: what to compute products in, and the type of the output; the carry is kept in float32
            at least. None: what `x` and the parameters promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(*batch, *spatial, in_channels)`; y, h, c: `(*batch, *spatial', features)`;
            input.kernel: `(*kernel_size, in_channels, 4 * features)`; input.bias: `(4 *
            features,)`; recurrent.kernel: `(*kernel_size, features, 4 * features)`.

    State:
        None: the parameters change by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no activation, padding or initialiser has that name.
        ShapeError: `x` or the carry does not match the parameters.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> cell = tx.nn.ConvLSTMCell(4, (3, 3)).init(0, (None, jnp.ones((2, 8, 8, 3))))
        >>> (h, c), y = cell(None, jnp.ones((2, 8, 8, 3)))
        >>> y.shape
        (2, 8, 8, 4)

    Reference:
        Shi et al., Convolutional LSTM Network (2015), without the connections from `c` to the
        gates, as in Keras and Flax. Keras's order of gates is ours. Flax's is `i, g, f, o`; it adds
        the forget bias of 1 at every step, and has a second bias.
    """

    kernel_size: tuple[int, ...] = static()

    def __init__(
        self,
        features: int,
        kernel_size: _window.Sizes,
        *,
        strides: _window.Sizes = 1,
        padding: _window.Padding = "SAME",
        dilation: _window.Sizes = 1,
        activation: str | Activation = "tanh",
        gate_activation: str | Activation = "sigmoid",
        forget_bias: float = 1.0,
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        recurrent_init: str | InitFunction = "orthogonal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            features,
            activation=activation,
            gate_activation=gate_activation,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        where = type(self).__name__
        # A tuple in any case: the batch axes of a whole sequence are more than one.
        self.kernel_size = _window.window_sizes(where, "kernel_size", kernel_size)
        self.input = Conv(
            4 * self.features,
            self.kernel_size,
            strides=strides,
            padding=padding,
            dilation=dilation,
            use_bias=use_bias,
            kernel_init=PerGate(check_initializer(where, "kernel_init", kernel_init), 4),
            bias_init=lstm_bias(where, bias_init, forget_bias),
            dtype=dtype,
            param_dtype=param_dtype,
        )
        self.recurrent = Conv(
            4 * self.features,
            self.kernel_size,
            use_bias=False,
            kernel_init=PerGate(check_initializer(where, "recurrent_init", recurrent_init), 4),
            dtype=dtype,
            param_dtype=param_dtype,
        )

    @property
    def num_feature_axes(self) -> int:
        """How many axes of the input of a step are not batch axes."""
        return len(self.kernel_size) + 1
