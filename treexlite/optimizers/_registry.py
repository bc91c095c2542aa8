"""Optimizers by name, for places that take a string, such as `Trainer(model, optimizer="adam")`.

In: a name, and options. Out: a new optimizer. What mutates: the table, by `register`.
"""

from __future__ import annotations

from typing import Any

from treexlite.optimizers._names import REGISTRY, Factory, find
from treexlite.optimizers._optimizer import Optimizer


def get(name: str, learning_rate: Any = None, **options: Any) -> Optimizer:
    """Return a new optimizer.

    Args:
        name: the name of an optimizer of optax, such as `"adamw"`; case does not matter.
        learning_rate: as in `tx.Optimizer`.
        options: what `tx.Optimizer` and the optimizer take by keyword.

    Raises:
        UnknownNameError: no optimizer has that name; close ones are listed.
        ArgumentError: the optimizer has no such option.

    Example:
        >>> import treexlite as tx
        >>> optimizer = tx.optimizers.get("adamw", learning_rate=0.5, weight_decay=0.1)
        >>> float(optimizer.learning_rate)
        0.5

    Reference:
        Names and default rates are Keras's, other defaults optax's: the weight decay of "adamw" is
        1e-4, where Keras has 4e-3 and torch 1e-2.
    """
    return Optimizer(name, learning_rate, **options)


def register(name: str, factory: Factory, *, replace: bool = False) -> Factory:
    """Give an optimizer of your own a name, and return it.

    Args:
        name: what `tx.Optimizer` and `Trainer(optimizer=...)` will find it by.
        factory: a function like `optax.adam`: takes `learning_rate` and options by keyword, and
            returns an optax transformation.
        replace: whether it may take the place of another.

    Raises:
        ArgumentError: the name is taken, or `factory` cannot be called.

    Example:
        >>> import optax, treexlite as tx
        >>> def calm(learning_rate, norm=1.0):
        ...     return optax.chain(optax.clip_by_global_norm(norm), optax.sgd(learning_rate))
        >>> tx.optimizers.register("calm", calm, replace=True).__name__
        'calm'
        >>> float(tx.Optimizer("calm", norm=0.5).learning_rate).__round__(3)
        0.001
    """
    return REGISTRY.register(name, factory, replace=replace)


def as_optimizer(where: str, value: Any) -> Optimizer:
    """Return an `Optimizer` for what `tx.Optimizer` takes, and an optimizer as it is.

    Raises:
        UnknownNameError: a string names nothing; close matches are listed.
        ArgumentError: it is nothing that moves parameters.
    """
    if isinstance(value, Optimizer):
        return value
    if isinstance(value, str):
        find(where, value)  # so that an error names the place that took the string
    return Optimizer(value)
