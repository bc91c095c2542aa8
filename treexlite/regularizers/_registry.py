"""Regularizers by name, and what a user may write in place of one.

In: strings, functions, objects. Out: `Regularizer`s. What may mutate: the table, by `register`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from treexlite._core import Module
from treexlite._errors import ArgumentError, describe
from treexlite._names import Registry
from treexlite.regularizers._elementwise import L1, L1L2, L2
from treexlite.regularizers._entropy import Entropy
from treexlite.regularizers._group_lasso import GroupLasso
from treexlite.regularizers._orthogonal import Orthogonal, Orthonormal
from treexlite.regularizers._regularizer import FunctionRegularizer, Regularizer
from treexlite.regularizers._spectral import Spectral

REGISTRY: Registry[Regularizer] = Registry(
    "regularizers",
    "a regularizer",
    {
        "entropy": Entropy,
        "group_lasso": GroupLasso,
        "l1": L1,
        "l1_l2": L1L2,
        "l1l2": L1L2,
        "l2": L2,
        "orthogonal": Orthogonal,
        "orthogonal_regularizer": Orthogonal,
        "orthonormal": Orthonormal,
        "spectral": Spectral,
    },
)


def get(name: str, **options: Any) -> Regularizer:
    """Return a new regularizer.

    Args:
        name: the name of a regularizer in snake case, that of its class, or the one that Keras has.
        options: what the regularizer takes, by keyword.

    Raises:
        UnknownNameError: no regularizer has that name; close ones are listed.
        ArgumentError: the regularizer has no such option.

    Example:
        >>> import treexlite as tx
        >>> tx.regularizers.get("l2", strength=1e-4).strength
        0.0001
    """
    return REGISTRY.get(name, **options)


def register(
    name: str, regularizer: Callable[..., Regularizer], *, replace: bool = False
) -> Callable[..., Regularizer]:
    """Give a regularizer of your own a name, and return it.

    Args:
        name: what `get` and `Trainer(regularizers=...)` will find it by.
        regularizer: the class, or a function that returns a `Regularizer`.
        replace: whether it may take the place of another.

    Raises:
        ArgumentError: the name is taken, or `regularizer` cannot be called.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> class Quartic(tx.regularizers.Regularizer):
        ...     def per_parameter(self, parameter):
        ...         return jnp.sum(parameter**4)
        >>> tx.regularizers.register("quartic", Quartic, replace=True).__name__
        'Quartic'
        >>> float(tx.regularizers.get("quartic")(jnp.array([2.0])))
        16.0
    """
    return REGISTRY.register(name, regularizer, replace=replace)


def as_regularizers(where: str, name: str, value: Any) -> tuple[Regularizer, ...]:
    """Return regularizers for None, one, or several: objects, names, functions of one array.

    Args:
        where: who was given them, for errors.
        name: the argument or attribute, for errors.
        value: what was given.

    Raises:
        UnknownNameError: no regularizer has that name.
        ArgumentError: it is none of these.
    """
    if value is None:
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(one for item in value for one in as_regularizers(where, name, item))
    if isinstance(value, str):
        return (REGISTRY.find(value, where)(),)
    if isinstance(value, Regularizer):
        return (value,)
    if callable(value) and not isinstance(value, (type, Module)):
        return (FunctionRegularizer(value),)
    raise ArgumentError(
        where,
        expected=f"`{name}` to be a `tx.regularizers.Regularizer`, a name, a function of one array,"
        " several of them, or None",
        received=f"{name}={describe(value)}",
        fix=f"Pass for example `{name}=tx.regularizers.L2(1e-4)`.",
    )
