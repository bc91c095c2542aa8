"""What a user may write: names, objects and functions, turned into what the steps work with.

In: the arguments of `Trainer` and its methods. Out: `Loss` objects and plain numbers, or an error
that says what would be accepted. `_heads` has trees of losses, `_measures` has metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from treexlite import losses
from treexlite._arguments import integer
from treexlite._errors import ArgumentError, describe
from treexlite.losses._registry import REGISTRY
from treexlite.metrics._fractions import num_examples
from treexlite.training._fitting import CROSS_ENTROPY, CrossEntropyByShape


class FunctionLoss(losses.Loss):
    """A loss made of a function from target and preds to one value per example, or to their mean.

    Args:
        function: what computes the values.
    """

    function: Callable[[Any, Any], jax.Array]

    def __init__(self, function: Callable[[Any, Any], jax.Array]) -> None:
        super().__init__(name=getattr(function, "__name__", "loss"))
        self.function = function

    def per_example(self, target: Any, preds: Any) -> jax.Array:
        """Return what the function returns."""
        return self.function(target, preds)

    def fraction(
        self, target: Any, preds: Any, sample_weight: Any = None, *, mask: Any = None
    ) -> tuple[jax.Array, Any]:
        """Return the sum and the count; a mean that the function took itself is over examples."""
        total, count = super().fraction(target, preds, sample_weight, mask=mask)
        if jax.eval_shape(self.function, target, preds).ndim == 0:
            count = num_examples(preds, target)
            total = total * count
        return total, count


def as_loss(where: str, value: Any) -> losses.Loss | None:
    """Return a loss for a loss, a function, a name, or None.

    Raises:
        UnknownNameError: no loss has that name.
        ArgumentError: it is none of these, or a loss that is not reduced to a number.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return CrossEntropyByShape() if value in CROSS_ENTROPY else REGISTRY.find(value, where)()
    if isinstance(value, losses.Loss):
        if value.reduction == "none":
            raise ArgumentError(
                where,
                expected="a loss that is one number for each batch",
                received=f"loss={type(value).__name__}(reduction='none')",
                fix="Leave `reduction` out, or override `loss_fn`.",
            )
        return value
    if callable(value) and not isinstance(value, type):
        return FunctionLoss(value)
    raise ArgumentError(
        where,
        expected="`loss` to be a name, a `tx.losses.Loss`, or a function of target and preds",
        received=f"loss={describe(value)}",
        fix="Pass for example `loss='crossentropy'`; override `loss_fn` for anything else.",
    )


def steps_per_execution_of(where: str, value: Any) -> int | None:
    """Return how many steps a dispatch has, None for "auto".

    Raises:
        ArgumentError: it is neither "auto" nor a positive integer.
    """
    if value == "auto":
        return None
    if isinstance(value, str):
        raise ArgumentError(
            where,
            expected='`steps_per_execution` to be "auto" or a number',
            received=f"steps_per_execution={value!r}",
            fix='Leave it out: "auto" adapts the number.',
        )
    return integer(where, "steps_per_execution", value, 1)
