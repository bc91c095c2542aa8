"""StochasticDepth: leave out a residual branch, for single examples or the whole batch."""

from __future__ import annotations

import jax

from treexlite._core import static
from treexlite._core._random import KeyLike
from treexlite._errors import ShapeError, describe, unknown_name
from treexlite.nn._arguments import unit_fraction
from treexlite.nn._noise import Noise, floating, keep_some

_MODES = ("row", "batch")


class StochasticDepth(Noise):
    """Set whole examples to zero, and scale the others up to keep the mean.

    It stands at the end of a residual branch, `x + drop(branch(x))`: where it gives 0, the network
    is one block less deep. In training mode an example becomes `x / (1 - rate)` with probability `1
    - rate`, and 0 otherwise. In evaluation mode, and with rate 0, the input is returned as it is.

    Args:
        rate: the fraction to drop, from 0 to 1. In deep networks it usually grows from 0 at the
            first block to 0.1 to 0.5 at the last.
        mode: `"row"` (decided for each index of the first axis) or `"batch"` (once for all).
        key: seed or key to start from. None: `init` chooses one, from its seed and the path of the
            layer.

    Shapes:
        x, y: `(batch, ...)`, or any with `mode="batch"`.

    State:
        key: replaced by each call in training mode, unless the rate is 0.

    Raises:
        ArgumentError: `rate` is not from 0 to 1.
        UnknownNameError: there is no such mode.
        ShapeError: `x` is a scalar and the mode `"row"`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> layer = tx.nn.StochasticDepth(0.5).init(0)
        >>> y = layer(jnp.ones((100, 7)))
        >>> bool((y == y[:, :1]).all()), sorted(set(y.ravel().tolist()))
        (True, [0.0, 2.0])

    Reference:
        Huang et al., Deep Networks with Stochastic Depth (2016); `torchvision.ops.stochastic_depth`
        with `p=rate`, and timm's `DropPath`, another name for it here too.
    """

    rate: float = static()
    mode: str = static()

    def __init__(self, rate: float, *, mode: str = "row", key: KeyLike | None = None) -> None:
        where = type(self).__name__
        self.rate = unit_fraction(where, "rate", rate)
        if mode not in _MODES:
            raise unknown_name(where, "a mode", str(mode), _MODES)
        self.mode = mode
        super().__init__(key)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = floating(self, x)
        by_row = self.mode == "row"
        if by_row:
            self._check_rank(x)
        if not self.training or self.rate == 0:
            return x
        shape = (x.shape[0] if by_row and axis == 0 else 1 for axis in range(x.ndim))
        return keep_some(x, self._next_key(), self.rate, tuple(shape))

    def _check_rank(self, x: jax.Array) -> None:
        if x.ndim == 0:
            raise ShapeError(
                type(self).__name__,
                expected="`x` to have a batch axis",
                received=f"x={describe(x)}",
                fix='Give it one, or decide once for all values with `mode="batch"`.',
            )


DropPath = StochasticDepth
"""timm's name for `StochasticDepth`."""
