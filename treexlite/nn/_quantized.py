"""QuantizedLinear: a trained linear layer in a quarter of the memory, for inference.

What flows in and out: the arrays of a linear layer. Nothing is mutated after `init`, and nothing
trains: the arrays are state, not parameters.

Each column of the kernel, which makes one output, has a scale of its own, the largest absolute
value divided by 127. Rounded to whole numbers of scales, every weight is off by half a scale at
most.
"""

from __future__ import annotations

from typing import Any, Self, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import ModelState, Module, next_key, static
from treexlite._core._filters import Filter
from treexlite._core._lazy import is_lazy
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError, describe
from treexlite.nn._arguments import positive_int
from treexlite.nn._creation import create
from treexlite.nn._exchange import computes_like, exchange
from treexlite.nn._initializers import InitFunction, check_initializer, draw
from treexlite.nn._inputs import as_array
from treexlite.nn._linear import Linear
from treexlite.nn._policy import choose_dtype
from treexlite.nn._promotion import along_last, compute_dtype

M = TypeVar("M")

_LARGEST = 127


class QuantizedLinear(Module):
    """A `Linear` whose kernel is stored in 8 bits: `y = (x @ kernel) * scale + bias`.

    It is made of a trained layer by `from_linear`, or for a whole model by `quantize`. Built
    directly it starts from random numbers, as a place to load a checkpoint into.

    Args:
        features: size of the last axis of the output. That of the input is learned at `init`.
        use_bias: whether to add `bias`.
        quantize_inputs: round `x` to 8 bits as well, with one scale for each vector, and multiply
            integers, which some devices do faster. Gradients of `x` do not pass the rounding.
        kernel_init: name or function, for the numbers before rounding.
        bias_init: name or function.
        dtype: type of the output, in which `x` is multiplied too. None: that of `x`. Sums are
            formed in float32 at least.

    Shapes:
        x: `(..., in_features)`; y: `(..., features)`; kernel: `(in_features, features)`, int8;
            scale, bias: `(features,)`, float32.

    State:
        kernel, scale, bias: of kind `ModelState`; they never change.

    Raises:
        ArgumentError: `features` or a dtype is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` is a scalar, or its last axis does not match `kernel`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> small = tx.nn.QuantizedLinear.from_linear(layer)
        >>> error = abs(small.dequantized() - layer.kernel)
        >>> small.kernel.dtype, bool((error <= 0.501 * small.scale).all())
        (dtype('int8'), True)

    Reference:
        Column-wise absmax quantisation as in Dettmers et al., LLM.int8 (2022), without its
        treatment of outliers; `quantize_inputs` is what Keras's `quantize("int8")` does.
    """

    kernel: jax.Array = ModelState.node()
    scale: jax.Array = ModelState.node()
    bias: jax.Array | None = ModelState.node()
    features: int = static()
    quantize_inputs: bool = static()
    kernel_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()

    def __init__(
        self,
        features: int,
        *,
        use_bias: bool = True,
        quantize_inputs: bool = False,
        kernel_init: str | InitFunction = "lecun_normal",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
    ) -> None:
        where = type(self).__name__
        self.features = positive_int(where, "features", features)
        self.quantize_inputs = bool(quantize_inputs)
        self.kernel_init = check_initializer(where, "kernel_init", kernel_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        self.dtype = choose_dtype(where, dtype)
        if not use_bias:
            self.bias = None

    @classmethod
    def from_linear(cls, layer: Linear, *, quantize_inputs: bool = False) -> Self:
        """Return a quantised layer that computes nearly what `layer` does.

        Args:
            layer: an initialised `Linear`; merge a `LoRALinear` first.
            quantize_inputs: as for the class.

        Raises:
            ArgumentError: `layer` is no `Linear`.
            NotInitializedError: its kernel is not created yet.
        """
        if not computes_like(layer, Linear):
            raise ArgumentError(
                f"{cls.__name__}.from_linear",
                expected="`layer` to be a plain `Linear`",
                received=f"layer={describe(layer)}",
                fix="Pass a linear layer; `LoRALinear.merged()` makes one.",
            )
        if is_lazy(layer.kernel):
            raise NotInitializedError(
                f"{cls.__name__}.from_linear",
                expected="an initialised layer",
                received="one whose `kernel` is not created yet",
                fix="Call `layer = layer.init(key, inputs)` first, or load its parameters.",
            )
        quantized = cls(
            layer.kernel.shape[-1],
            use_bias=layer.bias is not None,
            quantize_inputs=quantize_inputs,
            kernel_init=layer.kernel_init,
            bias_init=layer.bias_init,
            dtype=layer.dtype,
        )
        quantized.kernel, quantized.scale = _rounded(layer.kernel, axis=-2)
        if layer.bias is not None:
            quantized.bias = layer.bias.astype(jnp.float32)
        quantized.train(layer.training, inplace=True)
        return quantized.freeze(layer.frozen, inplace=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        if self.initializing() and x.ndim:
            self._create(x.shape[-1])
        self._check_features(x)
        dtype = compute_dtype(self.dtype, x)
        wide = jnp.promote_types(dtype, jnp.float32)
        if self.quantize_inputs:
            whole, x_scale = _rounded(x, axis=-1)
            y = _dot(whole, self.kernel, jnp.int32).astype(wide) * x_scale[..., None]
        else:
            y = _dot(x.astype(dtype), self.kernel.astype(dtype), wide)  # (..., features)
        y = y * along_last(self.scale.astype(wide), y)
        if self.bias is not None:
            y = y + along_last(self.bias.astype(wide), y)
        return y.astype(dtype)

    def dequantized(self) -> jax.Array:
        """Return the kernel as the numbers that it stands for, in float32."""
        return self.kernel * self.scale[..., None, :]

    def _create(self, in_features: int) -> None:
        key = next_key()  # one, whether it is needed or not: what follows stays the same
        if is_lazy(self.kernel):
            shape = (in_features, self.features)
            kernel = draw(type(self).__name__, self.kernel_init, shape, jnp.float32, key)
            self.kernel, self.scale = _rounded(kernel, axis=-2)
        create(self, "bias", self.bias_init, self.scale.shape, jnp.float32)

    def _check_features(self, x: jax.Array) -> None:
        if x.ndim == 0 or x.shape[-1] != self.kernel.shape[0]:
            size = "" if x.ndim == 0 else f" of size {self.kernel.shape[0]} (as `kernel` has)"
            raise ShapeError(
                type(self).__name__,
                expected=f"`x` to have a last axis for the features{size}",
                received=f"x={describe(x)}",
                fix="Pass features of that size, or quantise the layer that fits.",
            )


def quantize(model: M, *filters: Filter, quantize_inputs: bool = False, inplace: bool = False) -> M:
    """Put a `QuantizedLinear` in the place of every `Linear` of a model.

    Args:
        model: an initialised module, or a container of modules.
        *filters: a layer is chosen when they all hold for its `kernel`: `"encoder/**"`, a predicate
            on `FieldInfo`. Without any, all are chosen.
        quantize_inputs: as for `QuantizedLinear`.
        inplace: change `model` instead of a copy.

    Returns:
        The model. Layers that compute something else than `Linear` stay as they are.

    Raises:
        PathError: a pattern matches no kernel.
        ArgumentError: no layer is chosen.
        NotInitializedError: a chosen layer is not initialised.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.MLP([64, 2]).init(0, jnp.ones((1, 3)))
        >>> model = tx.nn.quantize(model, tx.Not("layers/1/*"))
        >>> [layer.kernel.dtype.name for layer in model.layers]
        ['int8', 'float32']
    """

    def quantized(layer: Linear) -> QuantizedLinear:
        return QuantizedLinear.from_linear(layer, quantize_inputs=quantize_inputs)

    return exchange("quantize", model, filters, Linear, quantized, inplace)


def _rounded(x: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    """Return int8 values and float32 scales, one for each vector along `axis`."""
    x = x.astype(jnp.float32)
    largest = jnp.abs(x).max(axis, keepdims=True, initial=0.0)
    scale = jnp.where(largest > 0, largest / _LARGEST, 1.0)
    whole = jnp.clip(jnp.round(x / scale), -_LARGEST, _LARGEST)
    return whole.astype(jnp.int8), scale.squeeze(axis)


def _dot(x: jax.Array, kernel: jax.Array, dtype: Any) -> jax.Array:
    dimensions = (((x.ndim - 1,), (0,)), ((), ()))
    return lax.dot_general(x, kernel, dimensions, preferred_element_type=dtype)
