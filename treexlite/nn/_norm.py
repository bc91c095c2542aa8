"""Normalisation: what its layers share, and LayerNorm.

What flows in: an array whose last axis holds channels. What flows out: the same shape, with values
brought to mean 0 and variance 1, and then to what training wants. Nothing is mutated here;
`BatchNorm`, which is, has its own file.

Statistics are computed in float32 or better whatever the input is, and in two passes: the variance
is the mean of `(x - mean)²`. The one-pass form `mean(x²) - mean(x)²` loses all digits when the mean
is large.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import Module, Parameter, static
from treexlite._errors import ShapeError, describe
from treexlite.nn._arguments import non_negative
from treexlite.nn._axes import check_axes, resolve_axes
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import compute_dtype, widened


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def variance(
    x: jax.Array, mean: jax.Array, axes: tuple[int, ...], valid: jax.Array | None = None
) -> jax.Array:
    """Return the mean of `(x - mean)²` over `axes`, which are kept with size 1.

    Positions that are not `valid` count as 0. `mean` has to be that of `x` (on several devices: of
    all parts). It is where the squares are smallest, so its own change adds nothing to the
    derivative, and is left out of it.
    """
    return _where(valid, jnp.square(x - mean)).mean(axes, keepdims=True)


@variance.defjvp
def _variance_jvp(axes: tuple[int, ...], primals: Any, tangents: Any) -> tuple[Any, Any]:
    x, mean, valid = primals
    change = _where(valid, (x - mean) * (2 * tangents[0]))
    return variance(x, mean, axes, valid), change.mean(axes, keepdims=True)


@jax.custom_jvp
def _stretched(x: jax.Array, mean: jax.Array, factor: jax.Array, bias: jax.Array) -> jax.Array:
    """Return `(x - mean) * factor + bias`, where only `x` is large.

    The small arrays are combined first, which rounds as much as storing `x` does. The derivative by
    `factor` is a sum over `x`, in which that would add up: it has `x - mean`.
    """
    return x * factor + (bias - mean * factor)


@_stretched.defjvp
def _stretched_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    x, mean, factor, bias = primals
    of_x, of_mean, of_factor, of_bias = tangents
    change = of_x * factor + (x - mean) * of_factor + (of_bias - factor * of_mean)
    return _stretched(x, mean, factor, bias), change


def _where(valid: jax.Array | None, x: jax.Array) -> jax.Array:
    return x if valid is None else jnp.where(valid, x, 0)


class Norm(Module):
    """What normalisations have in common: `scale`, `bias` and dtypes."""

    scale: jax.Array | None = Parameter.node()
    bias: jax.Array | None = Parameter.node()
    epsilon: float = static()
    scale_init: str | InitFunction = static()
    bias_init: str | InitFunction = static()
    dtype: Any = static()
    param_dtype: Any = static()

    keeps_float32 = True  # a dtype policy decides about the output only

    def __init__(
        self,
        *,
        epsilon: float,
        use_scale: bool = True,
        use_bias: bool = True,
        scale_init: str | InitFunction = "ones",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        where = type(self).__name__
        self.epsilon = non_negative(where, "epsilon", epsilon)
        self.scale_init = check_initializer(where, "scale_init", scale_init)
        self.bias_init = check_initializer(where, "bias_init", bias_init)
        choose_dtypes(self, dtype, param_dtype)
        if not use_scale:
            self.scale = None
        if not use_bias:
            self.bias = None

    def _create(self, shape: tuple[int, ...]) -> None:
        create(self, "scale", self.scale_init, shape, self.param_dtype)
        create(self, "bias", self.bias_init, shape, self.param_dtype)

    def _check_channels(self, x: jax.Array, name: str, field: jax.Array | None) -> None:
        """Refuse an `x` whose last axis is not that of the field `name`."""
        if field is not None and x.shape[-1] != field.shape[-1]:
            channels = field.shape[-1]
            raise ShapeError(
                type(self).__name__,
                expected=f"the last axis of `x` to be {channels} (as `{name}` has)",
                received=f"x={describe(x)}",
                fix=(
                    f"Pass an array whose last axis has size {channels}, or create a new"
                    f" {type(self).__name__} and `init` it again."
                ),
            )

    def _check_rank(self, x: jax.Array) -> None:
        if x.ndim == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`x` to have at least one axis, the last one for the channels",
                received=f"x={describe(x)}",
                fix="Give it an axis: `x[None]`.",
            )

    def _normalize(
        self, x: jax.Array, mean: jax.Array | None, var: jax.Array, shape: tuple[int, ...]
    ) -> jax.Array:
        """Return `(x - mean) / sqrt(var + epsilon) * scale + bias`.

        `mean` and `var` have the rank of `x`; `scale` and `bias` get it by `shape`. Without a mean
        nothing is subtracted.
        """
        dtype = compute_dtype(self.dtype, x, self.scale, self.bias)
        factor = lax.rsqrt(var + self.epsilon)
        bias = None if self.bias is None else self.bias.reshape(shape)
        if self.scale is not None:
            factor = factor * self.scale.reshape(shape)
        if mean is not None and factor.shape != x.shape:
            offset = jnp.zeros_like(mean) if bias is None else bias
            return _stretched(widened(x), mean, factor, offset).astype(dtype)
        y = (x if mean is None else x - mean) * factor
        return (y if bias is None else y + bias).astype(dtype)


class FeatureNorm(Norm):
    """What normalisations of single examples have in common: over which axes, and with what."""

    axes: tuple[int, ...] = static()
    feature_axes: tuple[int, ...] = static()

    def __init__(
        self,
        *,
        axes: int | Sequence[int],
        feature_axes: int | Sequence[int] | None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        where = type(self).__name__
        self.axes = check_axes(where, "axes", axes)
        given = axes if feature_axes is None else feature_axes
        self.feature_axes = check_axes(where, "feature_axes", given)

    def _prepare(self, x: jax.Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Check `x` and create what is missing.

        Returns:
            The axes to reduce, and the shape to give `scale` and `bias`.
        """
        self._check_rank(x)
        where = type(self).__name__
        axes = resolve_axes(where, "axes", self.axes, x)
        features = resolve_axes(where, "feature_axes", self.feature_axes, x)
        sizes = tuple(x.shape[axis] for axis in features)
        if self.initializing():
            self._create(sizes)
        for name in ("scale", "bias"):
            field = getattr(self, name)
            if field is not None and field.shape != sizes:
                raise self._misfit(x, name, field, features)
        shape = tuple(x.shape[axis] if axis in features else 1 for axis in range(x.ndim))
        return axes, shape

    def _misfit(
        self, x: jax.Array, name: str, field: jax.Array, features: tuple[int, ...]
    ) -> ShapeError:
        one = len(features) == 1
        last = one and features[0] == x.ndim - 1
        which = "the last axis" if last else f"ax{'i' if one else 'e'}s {self.feature_axes}"
        size = field.shape[0] if one and field.ndim == 1 else field.shape
        return ShapeError(
            type(self).__name__,
            expected=f"{which} of `x` to be {size} (as `{name}` has)",
            received=f"x={describe(x)}",
            fix=(
                f"Pass an array whose {'last axis has' if last else 'feature axes have'} size"
                f" {size}, or create a new {type(self).__name__} and `init` it again."
            ),
        )


class LayerNorm(FeatureNorm):
    """Normalise each example by itself, over its last axis or over several.

    `y = (x - mean) / sqrt(var + epsilon) * scale + bias`, with mean and variance over `axes`.

    Args:
        axes: what mean and variance are taken over: one axis or several; negative ones count from
            the last.
        feature_axes: the axes along which `scale` and `bias` have an entry for each position. None:
            the same as `axes`.
        epsilon: added to the variance.
        use_scale: whether to multiply with `scale`.
        use_bias: whether to add `bias`.
        scale_init: name or function.
        bias_init: name or function.
        dtype: type of the output. None: what `x`, `scale` and `bias` promote to.
        param_dtype: what `scale` and `bias` are stored in.

    Shapes:
        x, y: `(..., features)`; scale, bias: `(features,)`, or the sizes of `feature_axes` in the
            order of `x`.

    State:
        None: `scale` and `bias` change by training only.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` is a scalar, does not have one of the axes, or has another number of
            features than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.LayerNorm().init(0, jnp.ones((1, 2)))
        >>> layer(jnp.array([[1.0, 3.0]])).round(2)
        Array([[-1.,  1.]], dtype=float32)

    Reference:
        Ba, Kiros and Hinton, Layer Normalization (2016). Epsilon as in Flax, whose
        `reduction_axes` are our `axes`; PyTorch's is 1e-5, and its `normalized_shape` of rank 2 is
        `axes=(-2, -1)`. Keras's epsilon is 1e-3.
    """

    def __init__(
        self,
        *,
        axes: int | Sequence[int] = -1,
        feature_axes: int | Sequence[int] | None = None,
        epsilon: float = 1e-6,
        use_scale: bool = True,
        use_bias: bool = True,
        scale_init: str | InitFunction = "ones",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            axes=axes,
            feature_axes=feature_axes,
            epsilon=epsilon,
            use_scale=use_scale,
            use_bias=use_bias,
            scale_init=scale_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        x = as_array(self, x)
        axes, shape = self._prepare(x)
        wide = widened(x)
        mean = wide.mean(axes, keepdims=True)
        return self._normalize(x, mean, variance(wide, mean, axes), shape)
