"""FeedForward: what a transformer does to each position by itself.

What flows in: an array whose last axis holds features. What flows out: the same shape, unless
`features` says otherwise. What may mutate: the key of the dropout, in training mode.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite._errors import ShapeError, describe
from treexlite.nn._activations import Activation, find_activation
from treexlite.nn._arguments import positive_int, unit_fraction
from treexlite.nn._dropout import Dropout
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._linear import Linear
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._projection import Projection, settle


class FeedForward(Module):
    """Two linear layers with an activation between them: `y = down(activation(up(x)))`.

    Args:
        hidden: how many features there are in between; often four times those of the input.
        features: size of the last axis of the output. None: that of the input, at `init`.
        activation: name or function.
        dropout_rate: the fraction of hidden values to drop in training, from 0 to 1.
        use_bias: whether the linear layers have biases.
        kernel_init: name or function, for every kernel.
        bias_init: name or function, for every bias.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(..., in_features)`; y: `(..., features)`; up/kernel: `(in_features, hidden)`;
            down/kernel: `(hidden, features)`.

    State:
        dropout/key: replaced by each call in training mode. There is none when the rate is 0.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no activation or initialiser has that name.
        ShapeError: `x` is a scalar, or has another number of features than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.FeedForward(32).init(0, jnp.ones((1, 8)))
        >>> layer.up.kernel.shape, layer.down.kernel.shape, layer(jnp.ones((2, 5, 8))).shape
        ((8, 32), (32, 8), (2, 5, 8))

    Reference:
        Vaswani et al., Attention Is All You Need (2017), section 3.3, with `gelu` in place of
        `relu`, as in GPT-2 and BERT. The name means the tanh approximation, as everywhere here.
    """

    up: Linear
    down: Projection
    dropout: Dropout | None
    hidden: int = static()
    features: int | None = static()
    use_bias: bool = static()
    kernel_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self,
        hidden: int,
        *,
        features: int | None = None,
        activation: str | Activation = "gelu",
        dropout_rate: float = 0.0,
        use_bias: bool = True,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        find_activation(where, activation)
        self.hidden = positive_int(where, "hidden", hidden)
        self.features = None if features is None else positive_int(where, "features", features)
        self.activation = activation
        self.use_bias = bool(use_bias)
        self.kernel_init = check_initializer(where, "kernel_init", kernel_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)
        self.up = Linear(self.hidden, **self._options())
        self.down = Projection(self.features, **self._options())
        rate = unit_fraction(where, "dropout_rate", dropout_rate)
        self.dropout = Dropout(rate) if rate else None

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        self._check_rank(x)
        h = self._widened(x)  # (..., hidden)
        if self.dropout is not None:
            h = self.dropout(h)
        if self.initializing():
            settle(self.down, x.shape[-1])
        return self.down(h)  # (..., features)

    def _widened(self, x: jax.Array) -> jax.Array:
        """Return the hidden features: `activation(up(x))`."""
        return find_activation(type(self).__name__, self.activation)(self.up(x))

    def _options(self) -> dict[str, Any]:
        """Return what all linear layers have in common."""
        return {
            "use_bias": self.use_bias,
            "kernel_init": self.kernel_init,
            "bias_init": self.bias_init,
            "dtype": self.dtype,
            "param_dtype": self.param_dtype,
        }

    def _check_rank(self, x: jax.Array) -> None:
        if x.ndim == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`x` to have at least one axis, the last one for the features",
                received=f"x={describe(x)}",
                fix="Give it an axis: `x[None]`.",
            )
