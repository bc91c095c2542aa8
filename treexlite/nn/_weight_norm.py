"""WeightNorm: kernels by direction and length."""

from __future__ import annotations

from typing import Any

import jax

from treexlite._core import Module, Parameter, static
from treexlite._core._filters import Filter
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.nn._arguments import is_int
from treexlite.nn._creation import create
from treexlite.nn._promotion import widened
from treexlite.nn._reparametrized import Reparametrized
from treexlite.nn._unit_norm import inverse_norm, positive_epsilon


class WeightNorm(Reparametrized):
    """Call a layer with kernels of given lengths: `scale * kernel / |kernel|`.

    `scale` has an entry for each output feature, and starts with the lengths that the kernels have,
    so that wrapping changes no output. Training then moves lengths and directions separately.

    Args:
        layer: the layer, initialised or not. Its `kernel` trains on as the direction.
        axis: the axis of a kernel along which `scale` has entries; the length is over all others.
            None: one length for the whole kernel.
        which: the parameters of `layer` that are meant, as a filter.
        epsilon: the shortest length that is divided by.

    Shapes:
        As those of `layer`; scale: `(features,)` with the default axis, `()` with None.

    State:
        That of `layer`. `parts`: for each kernel, by its path in `layer`, a module with the
        parameter `scale`.

    Raises:
        ArgumentError: `layer` is no module, or an argument is outside its range.
        PathError: `layer` has no such parameters.
        ShapeError: a kernel does not have `axis`.
        NotInitializedError: `init` was not called.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.WeightNorm(tx.nn.Linear(2)).init(0, jnp.ones((1, 3)))
        >>> {path: value.shape for path, value in layer.parameters().state_dict().items()}
        {'layer/kernel': (3, 2), 'layer/bias': (2,), 'parts/kernel/scale': (2,)}

    Reference:
        Salimans and Kingma, Weight Normalization (2016). As
        `torch.nn.utils.parametrizations.weight_norm` with `dim` the axis of the output features.
        Flax's `nnx.WeightNorm` starts with lengths 1, and overwrites the kernel.
    """

    axis: int | None = static()
    epsilon: float = static()

    def __init__(
        self,
        layer: Module,
        *,
        axis: int | None = -1,
        which: Filter = "**/kernel",
        epsilon: float = 1e-12,
    ) -> None:
        super().__init__(layer, which)
        where = type(self).__name__
        if axis is not None and not is_int(axis):
            raise ArgumentError(
                where,
                expected="`axis` to be an integer or None",
                received=f"axis={describe(axis)}",
                fix="Pass the axis of the output features, for example `axis=-1`.",
            )
        self.axis = axis
        self.epsilon = positive_epsilon(where, epsilon)

    def _part(self) -> _Length:
        return _Length(self.axis, self.epsilon)

    def _computed(self, part: _Length, kernel: jax.Array) -> jax.Array:
        wide = widened(kernel)
        factor = inverse_norm(wide, part.reduced(kernel), self.epsilon)
        return wide * (factor * part.scale.reshape(factor.shape))


class _Length(Module):
    """The lengths of one kernel."""

    scale: jax.Array = Parameter.node()
    axis: int | None = static()
    epsilon: float = static()

    def __init__(self, axis: int | None, epsilon: float) -> None:
        self.axis = axis
        self.epsilon = epsilon

    def create(self, kernel: jax.Array) -> None:
        """Start with the lengths of `kernel`."""
        inverse = inverse_norm(widened(kernel), self.reduced(kernel), self.epsilon)
        shape = () if self.axis is None else (kernel.shape[self.axis],)

        def lengths(key: Any, shape: tuple[int, ...], dtype: Any) -> jax.Array:
            return (1 / inverse).reshape(shape).astype(dtype)

        create(self, "scale", lengths, shape, kernel.dtype)

    def reduced(self, kernel: jax.Array) -> tuple[int, ...]:
        """Return the axes that a length is over."""
        if self.axis is None:
            return tuple(range(kernel.ndim))
        if not -kernel.ndim <= self.axis < kernel.ndim:
            raise ShapeError(
                WeightNorm.__name__,
                expected=f"kernels to have the axis axis={self.axis}",
                received=f"a kernel that is an {describe(kernel)}",
                fix="Choose another axis, or other parameters with `which`.",
            )
        return tuple(axis for axis in range(kernel.ndim) if axis != self.axis % kernel.ndim)
