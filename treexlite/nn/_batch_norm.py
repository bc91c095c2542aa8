"""BatchNorm: statistics of the batch in training, running statistics afterwards.

What flows in: `(batch, ..., channels)`. What flows out: the same shape. What may mutate: the
running statistics, in training mode, by the assignments in `_move`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from treexlite._core import BatchStat, static
from treexlite._errors import ArgumentError, ContextError, ShapeError, describe
from treexlite.nn._arguments import unit_fraction
from treexlite.nn._creation import create
from treexlite.nn._initializers import InitFunction
from treexlite.nn._inputs import as_array
from treexlite.nn._norm import Norm, variance
from treexlite.nn._promotion import along_last, widened

Limits = tuple[float, float]


class BatchNorm(Norm):
    """Normalise each channel over the batch, and over all other axes but the last.

    `y = (x - mean) / sqrt(var + epsilon) * scale + bias`. In training mode, mean and variance are
    those of the batch, and the running ones move towards them; in evaluation mode, and in a frozen
    module, they are the running ones, and nothing changes.

    Args:
        momentum: how much of the running statistics a batch leaves in place, from 0 to 1: `new =
            momentum * old + (1 - momentum) * batch`. With 0.99 they average about 100 batches; take
            0.9 for short trainings. None: all batches so far count the same.
        epsilon: added to the variance.
        use_scale: whether to multiply with `scale`.
        use_bias: whether to add `bias`.
        renorm: whether to correct the statistics of a batch by the running ones: the output in
            training is then close to that in evaluation, which helps with small batches. Between
            normalising and `scale` comes `r * y + d`, where `r = std_batch / std_running` and `d =
            (mean_batch - mean_running) / std_running`; no gradient goes through `r` and `d`.
        renorm_limits: `(r_max, d_max)`: `r` is kept between `1 / r_max` and `r_max`, `d` between
            `-d_max` and `d_max`. `(1, 0)` corrects nothing, and is where to start from; an
            assignment to `layer.renorm_limits` between epochs raises them. None: no limits.
        axis_name: name of an axis of `vmap`, `pmap` or `shard_map`; statistics are then those of
            all batches along it. Needed for training on several devices with small batches.
        scale_init: name or function.
        bias_init: name or function.
        dtype: type of the output. None: what `x`, `scale` and `bias` promote to.
        param_dtype: what `scale` and `bias` are stored in; the statistics never below float32, in
            which a momentum near 1 would lose the updates.

    Shapes:
        x, y: `(batch, ..., channels)`; mask, an argument of the call: the first axes of `x`, from
            `(batch,)` to all but the channels, true where values count for the statistics (all
            positions are normalised); scale, bias, mean, var: `(channels,)`; count: `()`.

    State:
        mean, var: start at 0 and 1; updated by each call in training mode, unless frozen, or unless
            the mask is false everywhere. `init` leaves them at 0 and 1.
        count: with `momentum=None` alone: how many batches the running statistics average.

    Raises:
        ArgumentError: a hyper-parameter is outside its range, or a mask holds fractions.
        UnknownNameError: no initialiser has that name.
        ShapeError: `x` has another number of channels than at `init`; or, in training mode, no
            value to average over; or the mask does not fit it.
        ContextError: training outside of the axis `axis_name`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.BatchNorm(momentum=0.5).init(0, jnp.ones((1, 1)))
        >>> layer(jnp.array([[1.0], [3.0]])).ravel().round(2)
        Array([-1.,  1.], dtype=float32)
        >>> layer.mean, layer.eval()(jnp.array([[1.0]]))
        (Array([1.], dtype=float32), Array([[0.]], dtype=float32))

    Reference:
        Ioffe and Szegedy, Batch Normalization (2015); Ioffe, Batch Renormalization (2017). The
        variance that goes into the running value is the biased one (divided by n), as in Flax and
        Keras; PyTorch stores the unbiased one (divided by n - 1), and calls `1 - momentum`
        momentum. Keras's epsilon is 1e-3. With `renorm`, as in the paper and in Keras 2, the
        standard deviation is averaged and not the variance; Keras 2 has a second pair of running
        statistics for `r` and `d`, which are ours when both its momenta are equal.
    """

    mean: jax.Array = BatchStat.node()
    var: jax.Array = BatchStat.node()
    count: jax.Array | None = BatchStat.node()
    momentum: float | None = static()
    renorm: bool = static()
    renorm_limits: Limits | None = static()
    axis_name: Hashable = static()

    def __init__(
        self,
        *,
        momentum: float | None = 0.99,
        epsilon: float = 1e-5,
        use_scale: bool = True,
        use_bias: bool = True,
        renorm: bool = False,
        renorm_limits: Limits | None = (3.0, 5.0),
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
        where = type(self).__name__
        self.momentum = None if momentum is None else unit_fraction(where, "momentum", momentum)
        if momentum is not None:
            self.count = None
        self.renorm = bool(renorm)
        self.renorm_limits = _limits(where, renorm_limits)
        self.axis_name = axis_name

    def __call__(self, x: jax.Array, mask: jax.Array | None = None) -> jax.Array:
        x = as_array(self, x)
        self._check_rank(x)
        if self.initializing():
            self._create(x.shape[-1:])
        self._check_channels(x, "mean", self.mean)
        valid = None if mask is None else self._valid(mask, x)
        mean, var = self.mean, self.var
        if self.training and not self.frozen and not self.initializing():
            self._check_batch(x)
            mean, var, part = self._batch_statistics(x, valid)
            used = self._corrected(mean, var) if self.renorm else (mean, var)
            self._move(mean, var, part)
            mean, var = used
        shape = (1,) * (x.ndim - 1) + x.shape[-1:]
        return self._normalize(x, along_last(mean, x), along_last(var, x), shape)

    def _create(self, shape: tuple[int, ...]) -> None:
        super()._create(shape)
        stat_dtype = jnp.promote_types(self.param_dtype, jnp.float32)
        create(self, "mean", "zeros", shape, stat_dtype)
        create(self, "var", "ones", shape, stat_dtype)
        create(self, "count", "zeros", (), jnp.float32)

    def _batch_statistics(
        self, x: jax.Array, valid: jax.Array | None
    ) -> tuple[jax.Array, jax.Array, jax.Array | float]:
        """Return mean and biased variance of each channel, and the part of the batch that counts.

        Where nothing counts they are the running ones.
        """
        wide = widened(x)
        axes = tuple(range(x.ndim - 1))
        if valid is None:
            mean = self._over_devices(wide.mean(axes, keepdims=True))  # (1, ..., channels)
            var = self._over_devices(variance(wide, mean, axes))
            return mean.reshape(-1), var.reshape(-1), 1.0
        part = self._over_devices(valid.mean(dtype=wide.dtype))
        divisor = jnp.where(part > 0, part, 1)
        mean = self._over_devices(jnp.where(valid, wide, 0).mean(axes, keepdims=True)) / divisor
        var = self._over_devices(variance(wide, mean, axes, valid)) / divisor
        mean = jnp.where(part > 0, mean.reshape(-1), self.mean)
        return mean, jnp.where(part > 0, var.reshape(-1), self.var), part

    def _over_devices(self, statistic: jax.Array) -> jax.Array:
        if self.axis_name is None:
            return statistic
        try:
            shared: jax.Array = lax.pmean(statistic, self.axis_name)
        except NameError:
            raise ContextError(
                type(self).__name__,
                expected=f"a call in training mode to be inside an axis named {self.axis_name!r}",
                received="a call outside of it",
                fix=f"Call it within `vmap(..., axis_name={self.axis_name!r})` or `shard_map`, or"
                " leave `axis_name` out.",
            ) from None
        return shared

    def _corrected(self, mean: jax.Array, var: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the statistics with which normalising gives `r * y + d`."""
        std, running_std = jnp.sqrt(var + self.epsilon), jnp.sqrt(self.var + self.epsilon)
        r, d = std / running_std, (mean - self.mean) / running_std
        if self.renorm_limits is not None:
            r_max, d_max = self.renorm_limits
            r, d = jnp.clip(r, 1 / r_max, r_max), jnp.clip(d, -d_max, d_max)
        r, d = lax.stop_gradient((r, d))
        return mean - d * std / r, (var + self.epsilon) / r**2 - self.epsilon

    def _move(self, mean: jax.Array, var: jax.Array, part: jax.Array | float) -> None:
        """Move the running statistics towards those of the batch."""
        mean, var, part = lax.stop_gradient((mean, var, part))
        kept: jax.Array | float
        if self.count is None:
            assert self.momentum is not None
            kept = self.momentum
        else:
            kept = self.count / (self.count + 1)
            self.count = self.count + (part > 0)
        self.mean = _between(kept, self.mean, mean)
        if self.renorm:
            std, running_std = jnp.sqrt(var + self.epsilon), jnp.sqrt(self.var + self.epsilon)
            moved = jnp.square(_between(kept, running_std, std)) - self.epsilon
            self.var = jnp.maximum(moved, 0).astype(self.var.dtype)
        else:
            self.var = _between(kept, self.var, var)

    def _valid(self, mask: jax.Array, x: jax.Array) -> jax.Array:
        """Return the mask as booleans of the rank of `x`."""
        where = type(self).__name__
        mask = jnp.asarray(mask)
        if not (mask.dtype == bool or jnp.issubdtype(mask.dtype, jnp.integer)):
            raise ArgumentError(
                where,
                expected="`mask` to hold booleans, or zeros and ones as integers",
                received=f"mask={describe(mask)}",
                fix="Say which positions count: for example `mask=weights > 0`.",
            )
        if mask.ndim >= x.ndim or mask.shape != x.shape[: mask.ndim]:
            raise ShapeError(
                where,
                expected="`mask` to have the sizes of the first axes of `x`, without the channels",
                received=f"mask={describe(mask)}, x={describe(x)}",
                fix=f"Pass for example a mask of shape {x.shape[:-1]}.",
            )
        return mask.astype(bool).reshape(mask.shape + (1,) * (x.ndim - mask.ndim))

    def _check_batch(self, x: jax.Array) -> None:
        single = x.ndim == 1 and self.axis_name is None
        if single or x.size == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`x` of shape (batch, ..., channels) with at least one value per channel",
                received=f"x={describe(x)} in training mode",
                fix="Pass a batch, or use `model.eval()` for single examples.",
            )


def _between(kept: jax.Array | float, running: jax.Array, batch: jax.Array) -> jax.Array:
    """Return the running statistic after one step towards that of the batch."""
    return (kept * running + (1 - kept) * batch).astype(running.dtype)


def _limits(where: str, limits: Any) -> Limits | None:
    if limits is None:
        return None
    try:
        r_max, d_max = map(float, limits)
    except (TypeError, ValueError):
        r_max = d_max = math.nan
    if not (1 <= r_max < math.inf and 0 <= d_max < math.inf):
        raise ArgumentError(
            where,
            expected="`renorm_limits` to be a pair of numbers, from 1 and from 0, or None",
            received=f"renorm_limits={limits!r}",
            fix="Pass `(r_max, d_max)`, for example `renorm_limits=(3, 5)`.",
        )
    return r_max, d_max
