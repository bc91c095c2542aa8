"""What transformer layers are put together from, and the frame around each part.

In: the arguments that encoder and decoder layers share. Out: their attention, normalisation and
feed-forward layers, all alike. `residual` is the maths between them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from treexlite._core import Module
from treexlite._errors import ArgumentError, describe, unknown_name
from treexlite.nn._activations import Activation
from treexlite.nn._arguments import float_dtype, optional_dtype, unit_fraction
from treexlite.nn._attention import MultiHeadAttention
from treexlite.nn._copies import description
from treexlite.nn._dropout import Dropout
from treexlite.nn._feed_forward import FeedForward
from treexlite.nn._initializers import InitFunction
from treexlite.nn._norm import LayerNorm
from treexlite.nn._rms_norm import RMSNorm

_NORMS: dict[str, Callable[..., Module]] = {"layer": LayerNorm, "rms": RMSNorm}


class Parts(NamedTuple):
    """What all parts of a layer have in common; see the layers for what it means."""

    where: str
    num_heads: int
    activation: str | Activation
    dropout_rate: float
    norm: str | Module
    use_bias: bool
    kernel_init: str | InitFunction
    bias_init: str | InitFunction
    dtype: Any
    param_dtype: Any

    def attention(self, **options: Any) -> MultiHeadAttention:
        """Return an attention layer; `options` are more of its own."""
        return MultiHeadAttention(
            self.num_heads, dropout_rate=self.dropout_rate, **self._linear(), **options
        )

    def normalization(self) -> Module:
        """Return a new layer for the argument `norm`.

        Raises:
            UnknownNameError: it is a string that names none.
            ArgumentError: it is neither a string nor a module without data.
        """
        if not isinstance(self.norm, str):
            return description(self.where, "norm", self.norm, "assign them after `init`").copy()
        if self.norm not in _NORMS:
            raise unknown_name(self.where, "a normalisation", self.norm, _NORMS)
        return _NORMS[self.norm](dtype=self.dtype, param_dtype=self.param_dtype)

    def feed_forward(self, hidden: int | None, given: Module | None) -> Module:
        """Return the feed-forward layer: the one that is `given`, or one of `hidden` features.

        Raises:
            ArgumentError: both or neither are there, or what is given is no description.
        """
        if (hidden is None) is (given is None):
            raise ArgumentError(
                self.where,
                expected="one of `hidden` and `feed_forward`",
                received=f"hidden={describe(hidden)} and feed_forward={describe(given)}",
                fix="Pass a size, or a layer such as `feed_forward=tx.nn.SwiGLU(64)`.",
            )
        if given is not None:
            return description(self.where, "feed_forward", given, "assign them after `init`")
        return FeedForward(
            hidden,  # type: ignore[arg-type]  # no None, as just checked
            activation=self.activation,
            dropout_rate=self.dropout_rate,
            **self._linear(),
        )

    def dropout(self) -> Dropout | None:
        """Return the layer between a part and the sum; None when it would do nothing."""
        rate = unit_fraction(self.where, "dropout_rate", self.dropout_rate)
        return Dropout(rate) if rate else None

    def dtypes(self) -> tuple[Any, Any]:
        """Return `dtype` and `param_dtype`, checked."""
        return (
            optional_dtype(self.where, "dtype", self.dtype),
            float_dtype(self.where, "param_dtype", self.param_dtype),
        )

    def _linear(self) -> dict[str, Any]:
        return {
            "use_bias": self.use_bias,
            "kernel_init": self.kernel_init,
            "bias_init": self.bias_init,
            "dtype": self.dtype,
            "param_dtype": self.param_dtype,
        }


def residual(
    x: jax.Array,
    part: Callable[[jax.Array], jax.Array],
    norm: Any,
    dropout: Dropout | None,
    norm_first: bool,
) -> jax.Array:
    """Return `x + dropout(part(norm(x)))`, or `norm(x + dropout(part(x)))`."""
    y = part(norm(x) if norm_first else x)
    if dropout is not None:
        y = dropout(y)
    y = x.astype(y.dtype) + y
    return y if norm_first else norm(y)
