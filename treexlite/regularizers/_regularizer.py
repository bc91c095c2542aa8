"""`Regularizer`: from parameters to the number that is added to the loss.

What flows in: a module, an array, or any tree of them. What flows out: one number. Nothing is
mutated; a regularizer has no data, and two that were built alike are equal.

Each regularizer is one pure function of one array, which works under every transformation. What all
share happens here, once: choose the parameters, compute each in float32 at least, add up.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, static
from treexlite._core._chosen import chosen_parameters
from treexlite._core._filters import Filter, predicate
from treexlite._errors import ShapeError, TreexliteError, describe
from treexlite._kernels import widened


class Regularizer(Module):
    """Base of all regularizers.

    The penalty is the sum of `per_parameter` over the parameters that are chosen. Of a module these
    are its kernels: the `Parameter` fields called `kernel` or `..._kernel`, in it and in all
    modules below. Biases, embeddings, and the scales of normalisations are left out, as in Keras,
    where each is regularized only on demand. Arrays outside of modules are all chosen: you picked
    them yourself.

    Parameters of frozen modules are left out, as in Keras: they would add a constant. A module that
    is reachable by several paths counts once.

    A new regularizer derives from this class and defines `per_parameter`.

    Args:
        which: the parameters that are meant, as a filter: `"encoder/**/kernel"`, a kind, a
            predicate, `tx.Not("head/**")`. It chooses among floating `Parameter` fields, and among
            all floating arrays outside of modules. None: kernels.

    Raises:
        ArgumentError: `which` is no filter.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> class Quartic(tx.regularizers.Regularizer):
        ...     def per_parameter(self, parameter):
        ...         return jnp.sum(parameter**4)
        >>> model = tx.nn.MLP([2, 1], kernel_init="ones").init(0, jnp.ones((1, 3)))
        >>> float(Quartic()(model)), float(Quartic(which="layers/1/kernel")(model))
        (8.0, 2.0)

    Reference:
        Keras attaches a regularizer to one array of one layer; here one object covers the whole
        model, and `layer.regularizer` one layer (see `penalty`).
    """

    which: Filter | None = static()

    def __init__(self, *, which: Filter | None = None) -> None:
        if which is not None:
            predicate(which)
        self.which = which

    def __call__(self, parameters: Any) -> jax.Array:
        """Compute the penalty.

        Args:
            parameters: a module, an array, or any tree of them.

        Returns:
            A number in float32, or in float64 when a parameter is.

        Raises:
            NotInitializedError: a module waits for `init`.
            PathError: there is no such parameter, frozen or not.
            ShapeError: the penalty is not defined for an array of that shape.
        """
        total = jnp.zeros((), jnp.float32)
        for info in chosen_parameters(type(self).__name__, parameters, self.which):
            try:
                total = total + self._number(widened(info.value))
            except TreexliteError as error:
                error.path = error.path or info.path or None
                raise
        return total

    def _number(self, parameter: jax.Array) -> jax.Array:
        value = self.per_parameter(parameter)
        if jnp.ndim(value) != 0:
            raise ShapeError(
                type(self).__name__,
                expected="the penalty of one parameter to be one number",
                received=describe(value),
                fix="Reduce it, for example with `.sum()`.",
            )
        return value

    @abc.abstractmethod
    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return the penalty of one array, which is in float32 at least."""


class FunctionRegularizer(Regularizer):
    """A regularizer made of a function from one array to a number.

    Args:
        function: what computes the number.
    """

    function: Callable[[jax.Array], jax.Array]

    def __init__(self, function: Callable[[jax.Array], jax.Array]) -> None:
        super().__init__()
        self.function = function

    def per_parameter(self, parameter: jax.Array) -> jax.Array:
        """Return what the function returns."""
        return self.function(parameter)
