"""Constraints by name, and what a user may write in place of one.

In: strings, functions, objects. Out: `Constraint`s. What may mutate: the table, by `register`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from treexlite._core import Module
from treexlite._errors import ArgumentError, describe
from treexlite._names import Registry
from treexlite.constraints._constraint import Constraint, FunctionConstraint
from treexlite.constraints._norms import MaxNorm, MinMaxNorm, UnitNorm
from treexlite.constraints._ranges import ClipWeights, NonNegative

REGISTRY: Registry[Constraint] = Registry(
    "constraints",
    "a constraint",
    {
        "clip_weights": ClipWeights,
        "max_norm": MaxNorm,
        "min_max_norm": MinMaxNorm,
        "non_neg": NonNegative,
        "non_negative": NonNegative,
        "unit_norm": UnitNorm,
    },
)


def get(name: str, **options: Any) -> Constraint:
    """Return a new constraint.

    Args:
        name: the name of a constraint in snake case, that of its class, or the one that Keras has.
        options: what the constraint takes, by keyword.

    Raises:
        UnknownNameError: no constraint has that name; close ones are listed.
        ArgumentError: the constraint has no such option.

    Example:
        >>> import treexlite as tx
        >>> tx.constraints.get("max_norm", max_value=3.0).max_value
        3.0
    """
    return REGISTRY.get(name, **options)


def register(
    name: str, constraint: Callable[..., Constraint], *, replace: bool = False
) -> Callable[..., Constraint]:
    """Give a constraint of your own a name, and return it.

    Args:
        name: what `get` will find it by.
        constraint: the class, or a function that returns a `Constraint`.
        replace: whether it may take the place of another.

    Raises:
        ArgumentError: the name is taken, or `constraint` cannot be called.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> class Rounded(tx.constraints.Constraint):
        ...     def per_parameter(self, parameter):
        ...         return jnp.round(parameter)
        >>> tx.constraints.register("rounded", Rounded, replace=True).__name__
        'Rounded'
        >>> float(tx.constraints.get("rounded")(0.75))
        1.0
    """
    return REGISTRY.register(name, constraint, replace=replace)


def as_constraints(where: str, name: str, value: Any) -> tuple[Constraint, ...]:
    """Return constraints for None, one, or several: objects, names, functions of one array.

    Args:
        where: who was given them, for errors.
        name: the argument or attribute, for errors.
        value: what was given.

    Raises:
        UnknownNameError: no constraint has that name.
        ArgumentError: it is none of these.
    """
    if value is None:
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(one for item in value for one in as_constraints(where, name, item))
    if isinstance(value, str):
        return (REGISTRY.find(value, where)(),)
    if isinstance(value, Constraint):
        return (value,)
    if callable(value) and not isinstance(value, (type, Module)):
        return (FunctionConstraint(value),)
    raise ArgumentError(
        where,
        expected=f"`{name}` to be a `tx.constraints.Constraint`, a name, a function of one array,"
        " several of them, or None",
        received=f"{name}={describe(value)}",
        fix=f"Pass for example `{name}=tx.constraints.MaxNorm(2.0)`.",
    )
