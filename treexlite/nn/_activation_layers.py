"""Activations with parameters: PReLU, Swish and SReLU.

What flows in and out: arrays of the same shape. Nothing is mutated after `init`. Each parameter is
one number, or with `per_channel` one for each entry of the last axis.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, Parameter, static
from treexlite._errors import ShapeError, describe
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction, check_initializer
from treexlite.nn._inputs import as_array
from treexlite.nn._policy import choose_dtypes
from treexlite.nn._promotion import along_last, compute_dtype
from treexlite.nn.initializers._fixed import constant

_QUARTER = constant(0.25)
_FIFTH = constant(0.2)


class _Activation(Module):
    """What they have in common: where parameters differ, their initialisers, and dtypes."""

    per_channel: bool = static()
    inits: tuple[tuple[str, str | InitFunction], ...] = static()
    dtype: Any = static()
    param_dtype: Any = static()

    def __init__(
        self, per_channel: bool, dtype: Any, param_dtype: Any, **inits: str | InitFunction
    ) -> None:
        where = type(self).__name__
        self.per_channel = bool(per_channel)
        self.inits = tuple(
            (name, check_initializer(where, f"{name}_init", init)) for name, init in inits.items()
        )
        choose_dtypes(self, dtype, param_dtype)

    def _prepared(self, x: jax.Array) -> list[jax.Array]:
        """Create the parameters; return `x` and them, in one dtype and of one rank."""
        x = as_array(self, x)
        if self.per_channel and x.ndim == 0:
            raise self._mismatch(x, "")
        if self.initializing():
            shape = x.shape[-1:] if self.per_channel else ()
            for name, init in self.inits:
                create(self, name, init, shape, self.param_dtype)
        parameters = [getattr(self, name) for name, _ in self.inits]
        for parameter in parameters:
            if parameter.ndim and x.shape[-1] != parameter.shape[0]:
                raise self._mismatch(x, f" of size {parameter.shape[0]} (as the parameters have)")
        dtype = compute_dtype(self.dtype, x, *parameters)
        spread = [along_last(p, x) if p.ndim else p for p in parameters]
        return [array.astype(dtype) for array in (x, *spread)]

    def _mismatch(self, x: jax.Array, size: str) -> ShapeError:
        return ShapeError(
            type(self).__name__,
            expected=f"`x` to have a last axis for the channels{size}",
            received=f"x={describe(x)}",
            fix="Pass such an array, or leave out `per_channel=True` for one number for all.",
        )


class PReLU(_Activation):
    """A relu with a learned slope on the negative side: `y = x if x > 0 else slope * x`.

    Args:
        per_channel: whether each entry of the last axis has a slope of its own.
        slope_init: name or function; by default 0.25.
        dtype: what to compute in, and the type of the output. None: what `x` and `slope` promote
            to.
        param_dtype: what `slope` is stored in.

    Shapes:
        x, y: `(...)`, with `per_channel` `(..., channels)`; slope: `()` or `(channels,)`.

    State:
        None: `slope` changes by training only.

    Raises:
        ArgumentError: a dtype is no floating one.
        UnknownNameError: no initialiser has that name.
        ShapeError: with `per_channel`, `x` is a scalar or has other channels than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.PReLU().init(0, jnp.ones(2))
        >>> layer(jnp.array([-2.0, 3.0]))
        Array([-0.5,  3. ], dtype=float32)

    Reference:
        He et al., Delving deep into rectifiers (2015); `torch.nn.PReLU`. Flax starts from a slope
        of 0.01. Keep weight decay away from the slope, which it would draw to a plain relu.
    """

    slope: jax.Array = Parameter.node()

    def __init__(
        self,
        *,
        per_channel: bool = False,
        slope_init: str | InitFunction = _QUARTER,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(per_channel, dtype, param_dtype, slope=slope_init)

    def __call__(self, x: jax.Array) -> jax.Array:
        x, slope = self._prepared(x)
        return jnp.where(x > 0, x, slope * x)


class Swish(_Activation):
    """A gate that learns how sharp it is: `y = x * sigmoid(beta * x)`.

    Between half of `x` (beta 0) and a relu (beta large); beta 1 is `tx.nn.silu`.

    Args:
        per_channel: whether each entry of the last axis has a beta of its own.
        beta_init: name or function.
        dtype: what to compute in, and the type of the output. None: what `x` and `beta` promote to.
        param_dtype: what `beta` is stored in.

    Shapes:
        x, y: `(...)`, with `per_channel` `(..., channels)`; beta: `()` or `(channels,)`.

    State:
        None: `beta` changes by training only.

    Raises:
        ArgumentError: a dtype is no floating one.
        UnknownNameError: no initialiser has that name.
        ShapeError: with `per_channel`, `x` is a scalar or has other channels than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.Swish().init(0, jnp.ones(2))
        >>> bool((layer(jnp.ones(2)) == tx.nn.silu(jnp.ones(2))).all())
        True

    Reference:
        Ramachandran, Zoph and Le, Searching for activation functions (2017).
    """

    beta: jax.Array = Parameter.node()

    def __init__(
        self,
        *,
        per_channel: bool = False,
        beta_init: str | InitFunction = "ones",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(per_channel, dtype, param_dtype, beta=beta_init)

    def __call__(self, x: jax.Array) -> jax.Array:
        x, beta = self._prepared(x)
        return x * jax.nn.sigmoid(beta * x)


class SReLU(_Activation):
    """Three straight lines with learned bends: an S that can also be a relu.

        y = left + left_slope * (x - left)        where x <= left
        y = right + right_slope * (x - right)     where x >= right
        y = x                                     between

    Args:
        per_channel: whether each entry of the last axis has four numbers of its own.
        left_init: name or function. Together the defaults are a leaky relu of slope 0.2.
        left_slope_init: name or function.
        right_init: name or function.
        right_slope_init: name or function. While it is 1, `right` makes no difference and has no
            gradient.
        dtype: what to compute in, and the type of the output. None: what `x` and the parameters
            promote to.
        param_dtype: what the parameters are stored in.

    Shapes:
        x, y: `(..., channels)`; left, left_slope, right, right_slope: `(channels,)`, or `()`
            without `per_channel`.

    State:
        None: the four parameters change by training only.

    Raises:
        ArgumentError: a dtype is no floating one.
        UnknownNameError: no initialiser has that name.
        ShapeError: with `per_channel`, `x` is a scalar or has other channels than at `init`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> half = tx.nn.initializers.constant(0.5)
        >>> layer = tx.nn.SReLU(right_slope_init=half).init(0, jnp.ones((1, 3)))
        >>> layer(jnp.array([[-1.0, 0.5, 3.0]]))
        Array([[-0.2,  0.5,  2. ]], dtype=float32)

    Reference:
        Jin et al., Deep learning with S-shaped rectified linear activation units (2015), which
        first trains a leaky relu and then chooses `right` from the data. Where the bends have
        crossed, the left line wins.
    """

    left: jax.Array = Parameter.node()
    left_slope: jax.Array = Parameter.node()
    right: jax.Array = Parameter.node()
    right_slope: jax.Array = Parameter.node()

    def __init__(
        self,
        *,
        per_channel: bool = True,
        left_init: str | InitFunction = "zeros",
        left_slope_init: str | InitFunction = _FIFTH,
        right_init: str | InitFunction = "ones",
        right_slope_init: str | InitFunction = "ones",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            per_channel,
            dtype,
            param_dtype,
            left=left_init,
            left_slope=left_slope_init,
            right=right_init,
            right_slope=right_slope_init,
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        x, left, left_slope, right, right_slope = self._prepared(x)
        below = left + left_slope * (x - left)
        above = right + right_slope * (x - right)
        return jnp.where(x <= left, below, jnp.where(x >= right, above, x))
