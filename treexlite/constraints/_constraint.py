"""`Constraint`: from an array to the nearest one that is allowed, or to one close to it.

What flows in: one array. What flows out: an array of the same shape and dtype. Nothing is mutated;
a constraint has no data, and two that were built alike are equal.

A constraint is a pure function, which works under every transformation. What all share happens
here, once: refuse what is no floating array, compute in float32 at least, return the dtype given.
"""

from __future__ import annotations

import abc
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from treexlite._core import Module, static
from treexlite._core._filters import Filter, predicate
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite._kernels import widened


class Constraint(Module):
    """Base of all constraints.

    A new constraint derives from this class and defines `per_parameter`. Applied twice, it should
    do what it does once.

    Args:
        which: the parameters of a module that are meant, when a module carries the constraint (see
            `apply`), as a filter: `"**/kernel"`, a kind, a predicate. None: kernels, the fields
            called `kernel` or `..._kernel`.

    Raises:
        ArgumentError: `which` is no filter.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> class Ternary(tx.constraints.Constraint):
        ...     def per_parameter(self, parameter):
        ...         return jnp.clip(jnp.round(parameter), -1, 1)
        >>> Ternary()(jnp.array([-7.0, 0.2, 0.7])).tolist()
        [-1.0, 0.0, 1.0]

    Reference:
        Keras's constraints, which also are functions of one array.
    """

    which: Filter | None = static()

    def __init__(self, *, which: Filter | None = None) -> None:
        if which is not None:
            predicate(which)
        self.which = which

    def __call__(self, parameter: ArrayLike) -> jax.Array:
        """Return the array as it has to be.

        Args:
            parameter: a floating array.

        Returns:
            An array of the same shape and dtype.

        Raises:
            ArgumentError: the array is not floating.
            ShapeError: the constraint is not defined for that shape, or changes it.
        """
        where = type(self).__name__
        given = jnp.asarray(parameter)
        if not jnp.issubdtype(given.dtype, jnp.floating):
            raise ArgumentError(
                where,
                expected="a floating array",
                received=describe(parameter),
                fix="Choose parameters, for example `which='**/kernel'`, or convert it.",
            )
        allowed = self.per_parameter(widened(given))
        if jnp.shape(allowed) != given.shape:
            raise ShapeError(
                where,
                expected=f"`per_parameter` to keep the shape {given.shape}",
                received=describe(allowed),
                fix="Keep the axes that you reduce: `keepdims=True`.",
            )
        return allowed.astype(given.dtype)

    @abc.abstractmethod
    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return the array as it has to be; both are in float32 at least."""


class FunctionConstraint(Constraint):
    """A constraint made of a function from an array to an array.

    Args:
        function: what computes the array.
    """

    function: Callable[[jax.Array], jax.Array]

    def __init__(self, function: Callable[[jax.Array], jax.Array]) -> None:
        super().__init__()
        self.function = function

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return what the function returns."""
        return self.function(parameter)
