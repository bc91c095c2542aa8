"""Gated feed-forward layers: one projection decides how much of another one passes.

They are a `FeedForward` with one more projection; what flows and what may mutate is the same.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite.nn._activations import Activation, find_activation
from treexlite.nn._feed_forward import FeedForward
from treexlite.nn._initializers import InitFunction
from treexlite.nn._linear import Linear


class GatedFeedForward(FeedForward):
    """Two projections, of which one gates the other: `y = down(activation(gate(x)) * up(x))`.

    With the same number of parameters as a `FeedForward` it does better in transformers; `hidden`
    is then two thirds of what it would be there.

    Args:
        hidden: how many features there are in between.
        features: size of the last axis of the output. None: that of the input, at `init`.
        activation: name or function, of the gate: `sigmoid` makes it a GLU, `silu` a SwiGLU, `gelu`
            a GEGLU, `relu` a ReGLU, and `identity` a bilinear layer.
        dropout_rate: the fraction of hidden values to drop in training, from 0 to 1.
        use_bias: whether the linear layers have biases.
        kernel_init: name or function, for every kernel.
        bias_init: name or function, for every bias.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x: `(..., in_features)`; y: `(..., features)`; up/kernel, gate/kernel: `(in_features,
            hidden)`; down/kernel: `(hidden, features)`.

    State:
        dropout/key: replaced by each call in training mode. There is none when the rate is 0.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no activation or initialiser has that name.
        ShapeError: `x` is a scalar, or has another number of features than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.GatedFeedForward(16, activation="relu").init(0, jnp.ones((1, 6)))
        >>> layer.gate.kernel.shape, layer(jnp.ones((2, 6))).shape
        ((6, 16), (2, 6))

    Reference:
        Shazeer, GLU Variants Improve Transformer (2020), and Dauphin et al. (2017) for the GLU.
        Without biases, as in the paper and in Llama.
    """

    gate: Linear

    def __init__(
        self,
        hidden: int,
        *,
        features: int | None = None,
        activation: str | Activation = "silu",
        dropout_rate: float = 0.0,
        use_bias: bool = False,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            hidden,
            features=features,
            activation=activation,
            dropout_rate=dropout_rate,
            use_bias=use_bias,
            kernel_init=kernel_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        self.gate = Linear(self.hidden, **self._options())

    def _widened(self, x: jax.Array) -> jax.Array:
        activate = find_activation(type(self).__name__, self.activation)
        return activate(self.gate(x)) * self.up(x)


class SwiGLU(GatedFeedForward):
    """A feed-forward layer gated by `silu`: `y = down(silu(gate(x)) * up(x))`.

    Args:
        hidden: how many features there are in between.
        features: size of the last axis of the output. None: that of the input, at `init`.
        dropout_rate: the fraction of hidden values to drop in training, from 0 to 1.
        use_bias: whether the linear layers have biases.
        kernel_init: name or function, for every kernel.
        bias_init: name or function, for every bias.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes, State, Raises:
        Those of `GatedFeedForward`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.SwiGLU(16).init(0, jnp.ones((1, 6)))
        >>> layer(jnp.ones((2, 6))).shape
        (2, 6)

    Reference:
        Shazeer, GLU Variants Improve Transformer (2020); the feed-forward layer of Llama and
        Mistral, whose `gate_proj`, `up_proj` and `down_proj` are `gate`, `up` and `down` here.
    """

    def __init__(
        self,
        hidden: int,
        *,
        features: int | None = None,
        dropout_rate: float = 0.0,
        use_bias: bool = False,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            hidden,
            features=features,
            activation="silu",
            dropout_rate=dropout_rate,
            use_bias=use_bias,
            kernel_init=kernel_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )


class GEGLU(GatedFeedForward):
    """A feed-forward layer gated by `gelu`: `y = down(gelu(gate(x)) * up(x))`.

    Args:
        hidden: how many features there are in between.
        features: size of the last axis of the output. None: that of the input, at `init`.
        dropout_rate: the fraction of hidden values to drop in training, from 0 to 1.
        use_bias: whether the linear layers have biases.
        kernel_init: name or function, for every kernel.
        bias_init: name or function, for every bias.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes, State, Raises:
        Those of `GatedFeedForward`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.GEGLU(16).init(0, jnp.ones((1, 6)))
        >>> layer(jnp.ones((2, 6))).shape
        (2, 6)

    Reference:
        Shazeer, GLU Variants Improve Transformer (2020); that of T5 v1.1 and Gemma, with the same
        tanh approximation of `gelu`.
    """

    def __init__(
        self,
        hidden: int,
        *,
        features: int | None = None,
        dropout_rate: float = 0.0,
        use_bias: bool = False,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            hidden,
            features=features,
            activation="gelu",
            dropout_rate=dropout_rate,
            use_bias=use_bias,
            kernel_init=kernel_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )
