"""Loss scales: gradients in half precision that do not vanish.

A loss that is multiplied by a large number has larger gradients, which float16 can hold; they are
divided by it before the step. In: losses and gradients. Out: the same, scaled. What mutates: the
scale, by `adjust`.
"""

from __future__ import annotations

from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from treexlite._core import Module, OptState
from treexlite._core._registry import is_numeric
from treexlite._errors import ArgumentError, describe

T = TypeVar("T")


class LossScale(Module):
    """A fixed scale.

    Args:
        value: the scale, a number above 0; powers of two scale without rounding.

    State:
        value: the scale (float32); never changes by itself.

    Raises:
        ArgumentError: `value` is not above 0.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> scale = tx.optimizers.LossScale(1024.0)
        >>> float(scale.scale(jnp.float16(0.5)))
        512.0
        >>> scale.unscale({"w": jnp.array([2048.0])})["w"].tolist()
        [2.0]

    Reference:
        Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740; jmp's `StaticLossScale`.
    """

    value: jax.Array = OptState.node()

    def __init__(self, value: float = 2.0**15) -> None:
        self.value = jnp.asarray(_above(self, "value", value, 0), jnp.float32)

    def scale(self, loss: Any) -> jax.Array:
        """Return the loss times the scale, in float32 at least.

        Args:
            loss: what gradients are taken of.
        """
        loss = jnp.asarray(loss)
        wide: jax.Array = loss.astype(jnp.promote_types(loss.dtype, jnp.float32)) * self.value
        return wide

    def unscale(self, grads: T, dtype: Any = None) -> T:
        """Return gradients (or a loss) divided by the scale, computed in float32 at least.

        Args:
            grads: any tree, modules included; arrays that are not floating stay.
            dtype: the least dtype of the result; None keeps that of each array.
        """

        def divide(grad: Any) -> Any:
            if not is_numeric(grad) or not jnp.issubdtype(jnp.result_type(grad), jnp.floating):
                return grad
            own = jnp.result_type(grad)
            wide = jnp.asarray(grad, jnp.promote_types(own, jnp.float32)) / self.value
            return wide.astype(own if dtype is None else jnp.promote_types(own, dtype))

        result: T = jax.tree.map(divide, grads)
        return result

    def adjust(self, finite: Any) -> None:
        """Learn whether the last gradients were finite; a fixed scale does not care.

        Args:
            finite: whether they were, a boolean scalar.
        """


class DynamicLossScale(LossScale):
    """A scale that grows while gradients stay finite, and shrinks when they do not.

    After `growth_interval` finite gradients in a row the scale is multiplied by `growth_factor`;
    after one that is not finite by `backoff_factor`.

    Args:
        value: the scale at the beginning.
        growth_factor: above 1.
        backoff_factor: between 0 and 1.
        growth_interval: after how many finite gradients it grows.
        min_scale: it does not fall below.

    State:
        value: the scale (float32); changed by `adjust`.
        streak: finite gradients since the last change (int32); changed by `adjust`.

    Raises:
        ArgumentError: a number is out of its range.

    Example:
        >>> import treexlite as tx
        >>> scale = tx.optimizers.DynamicLossScale(8.0, growth_interval=2)
        >>> for finite in (True, True, False, False):
        ...     scale.adjust(finite)
        ...     print(float(scale.value))
        8.0
        16.0
        8.0
        4.0

    Reference:
        torch's `GradScaler` (which begins with 2**16: more than float16 can hold) and jmp's
        `DynamicLossScale`. The scale grows no further than float32 can hold.
    """

    streak: jax.Array = OptState.node()

    def __init__(
        self,
        value: float = 2.0**15,
        *,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        min_scale: float = 1.0,
    ) -> None:
        super().__init__(value)
        self.growth_factor = _above(self, "growth_factor", growth_factor, 1)
        self.backoff_factor = _above(self, "backoff_factor", backoff_factor, 0)
        self.growth_interval = _above(self, "growth_interval", growth_interval, 0)
        self.min_scale = _above(self, "min_scale", min_scale, 0)
        if not backoff_factor < 1:
            raise ArgumentError(
                "DynamicLossScale",
                expected="`backoff_factor` below 1",
                received=f"{backoff_factor=}",
                fix="The scale has to shrink when gradients overflow: 0.5 halves it.",
            )
        if not isinstance(growth_interval, int):
            raise ArgumentError(
                "DynamicLossScale",
                expected="`growth_interval` to be an integer",
                received=f"{growth_interval=}",
                fix="It counts updates.",
            )
        self.streak = jnp.zeros((), jnp.int32)

    def adjust(self, finite: Any) -> None:
        """Grow or shrink.

        Args:
            finite: whether the last gradients were, a boolean scalar.
        """
        streak = jnp.where(finite, self.streak + 1, 0)
        grows = streak == self.growth_interval
        larger = self.value * self.growth_factor
        grown = jnp.where(grows & jnp.isfinite(larger), larger, self.value)
        shrunk = jnp.maximum(self.value * self.backoff_factor, self.min_scale)
        self.value = jnp.where(finite, grown, shrunk)
        self.streak = jnp.where(grows, 0, streak)


def as_loss_scale(value: Any) -> LossScale | None:
    """Return what the argument `loss_scale` of an optimizer stands for.

    Raises:
        ArgumentError: it is no loss scale, or a number that is not above 0.
    """
    if value is None or isinstance(value, LossScale):
        return value
    if value == "dynamic":
        return DynamicLossScale()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return LossScale(value)
    raise ArgumentError(
        "Optimizer",
        expected='`loss_scale` to be a `tx.optimizers.LossScale`, a number, or "dynamic"',
        received=f"loss_scale={describe(value)}",
        fix="Leave it out for none, which is right for float32 and bfloat16.",
    )


def _above(module: Module, name: str, value: Any, limit: float) -> Any:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value > limit:
        raise ArgumentError(
            type(module).__name__,
            expected=f"`{name}` to be a number above {limit}",
            received=f"{name}={describe(value)}",
            fix="Leave it out for the default.",
        )
    return value
