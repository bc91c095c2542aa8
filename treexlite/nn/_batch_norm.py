"""BatchNorm: statistics of the batch in training, running statistics afterwards.

What flows in: `(batch, ..., channels)`. What flows out: the same shape. What may mutate: the
running statistics, in training mode, by the two assignments in `__call__`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import BatchStat, static
from treexlite._errors import ShapeError, describe
from treexlite.nn._arguments import unit_fraction
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction
from treexlite.nn._norm import Norm
from treexlite.nn._promotion import along_last


class BatchNorm(Norm):
    """Normalise each channel over the batch, and over all other axes but the last.

    `y = (x - mean) / sqrt(var + epsilon) * scale + bias`. In training mode, mean and variance are
    those of the batch, and the running ones move towards them; in evaluation mode, and in a frozen
    module, they are the running ones, and nothing changes.

    Args:
        momentum: how much of the running statistics a batch leaves in place, from 0 to 1: `new =
            momentum * old + (1 - momentum) * batch`. With 0.99 they average about 100 batches; take
            0.9 for short trainings.
        epsilon: added to the variance.
        use_scale: whether to multiply with `scale`.
        use_bias: whether to add `bias`.
        axis_name: name of an axis of `vmap`, `pmap` or `shard_map`; statistics are then those of
            all batches along it. Needed for training on several devices with small batches.
        scale_init: name or function.
        bias_init: name or function.
        dtype: type of the output. None: what `x`, `scale` and `bias` promote to.
        param_dtype: what `scale` and `bias` are stored in; the statistics never below float32, in
            which a momentum near 1 would lose the updates.

    Shapes:
        x, y: `(batch, ..., channels)`; scale, bias, mean, var: `(channels,)`.

    State:
        mean, var: start at 0 and 1; updated by each call in training mode, unless frozen. `init`
        leaves them at 0 and 1.

    Raises:
        ArgumentError: a hyper-parameter is outside its range.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` has another number of channels than at `init`; or, in training mode, no
            value to average over.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.BatchNorm(momentum=0.5).init(0, jnp.ones((1, 1)))
        >>> layer(jnp.array([[1.0], [3.0]])).ravel().round(2)
        Array([-1.,  1.], dtype=float32)
        >>> layer.mean, layer.eval()(jnp.array([[1.0]]))
        (Array([1.], dtype=float32), Array([[0.]], dtype=float32))

    Reference:
        Ioffe and Szegedy, Batch Normalization (2015). The variance that goes into the running value
        is the biased one (divided by n), as in Flax and Keras; PyTorch stores the unbiased one
        (divided by n - 1), and calls `1 - momentum` momentum. Keras's epsilon is 1e-3.
    """

    mean: jax.Array = BatchStat.node()
    var: jax.Array = BatchStat.node()
    momentum: float = static()
    axis_name: Hashable = static()

    def __init__(
        self,
        *,
        momentum: float = 0.99,
        epsilon: float = 1e-5,
        use_scale: bool = True,
        use_bias: bool = True,
        axis_name: Hashable = None,
        scale_init: str | InitFunction = "ones",
        bias_init: str | InitFunction = "zeros",
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
    ) -> None:
        super().__init__(
            epsilon=epsilon,
            use_scale=use_scale,
            use_bias=use_bias,
            scale_init=scale_init,
            bias_init=bias_init,
            dtype=dtype,
            param_dtype=param_dtype,
        )
        self.momentum = unit_fraction(type(self).__name__, "momentum", momentum)
        self.axis_name = axis_name

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jnp.asarray(x)
        self._check_rank(x)
        if self.initializing():
            self._create(x.shape[-1])
        self._check_channels(x, "mean", self.mean)
        if self.training and not self.frozen and not self.initializing():
            mean, var = self._batch_statistics(x)
            self.mean = self._moved(self.mean, mean)
            self.var = self._moved(self.var, var)
        else:
            mean, var = self.mean, self.var
        return self._normalize(x, along_last(mean, x), along_last(var, x))

    def _create(self, channels: int) -> None:
        super()._create(channels)
        stat_dtype = jnp.promote_types(self.param_dtype, jnp.float32)
        create(self, "mean", "zeros", (channels,), stat_dtype)
        create(self, "var", "ones", (channels,), stat_dtype)

    def _batch_statistics(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return mean and biased variance of each channel."""
        self._check_batch(x)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        axes = tuple(range(x.ndim - 1))
        mean = self._over_devices(wide.mean(axes))  # (channels,)
        var = self._over_devices(jnp.square(wide - along_last(mean, wide)).mean(axes))
        return mean, var

    def _over_devices(self, statistic: jax.Array) -> jax.Array:
        if self.axis_name is None:
            return statistic
        shared: jax.Array = lax.pmean(statistic, self.axis_name)
        return shared

    def _moved(self, running: jax.Array, batch: jax.Array) -> jax.Array:
        """Return the running statistic after one step towards that of the batch."""
        batch = lax.stop_gradient(batch)
        return (self.momentum * running + (1 - self.momentum) * batch).astype(running.dtype)

    def _check_batch(self, x: jax.Array) -> None:
        single = x.ndim == 1 and self.axis_name is None
        if single or x.size == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`x` of shape (batch, ..., channels) with at least one value per channel",
                received=f"x={describe(x)} in training mode",
                fix="Pass a batch, or use `model.eval()` for single examples.",
            )
