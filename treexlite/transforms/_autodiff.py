"""`tx.grad` and `tx.value_and_grad`: gradients for parameters, mutations carried out.

The function is differentiated with respect to the chosen leaves of the chosen arguments; everything
else in the modules is a constant of the differentiation. What the function writes (running
statistics, keys, counters) leaves the trace as an auxiliary output and is committed afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from treexlite._core._filters import Filter
from treexlite.transforms._lift import commit
from treexlite.transforms._point import Differentiator


class Differentiated(Differentiator):
    """A function that also returns gradients; see `value_and_grad`."""

    name = "value_and_grad"

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return `(value, gradients)`, or `((value, aux), gradients)`."""
        point = self.point(args, kwargs)
        (value, (payload, node)), grads = jax.value_and_grad(
            point.inner, argnums=(0, 1), has_aux=True, **self.options
        )(*point.inputs)
        aux = commit(point.packed, payload, node.value)
        gradients = point.chosen.assemble(*grads)
        return (value, aux) if self.has_aux else value, gradients


class _GradientOnly(Differentiated):
    """The same without the value; see `grad`."""

    name = "grad"

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the gradients, or `(gradients, aux)`."""
        value, gradients = super().run(args, kwargs)
        return (gradients, value[1]) if self.has_aux else gradients


def value_and_grad(
    f: Any = None,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    wrt: Filter | Sequence[Filter] | None = None,
    **options: Any,
) -> Any:
    """Return a function that computes `f` and its gradients, and keeps what `f` changes.

    Args:
        f: returns a scalar, or `(scalar, aux)` with `has_aux`. Left out when used as a decorator.
        argnums: which positional arguments to differentiate: modules, or anything JAX takes. For a
            bound method or a module, the arguments are counted without `self`.
        has_aux: whether `f` returns a pair.
        wrt: filters (all must hold) that choose what in the modules is differentiated. Default:
            floating `Parameter` fields of modules that are not frozen. Frozen modules never get
            gradients.
        options: passed to `jax.value_and_grad` (`allow_int`, `holomorphic`).

    Returns:
        A function that returns `(value, gradients)`, or `((value, aux), gradients)`. The gradients
        of a module are a module of its type with `Nothing` where nothing was differentiated.

    Raises:
        ArgumentError: `argnums` names no argument, or `has_aux` and the result is no pair.
        PathError: a path pattern in `wrt` matches nothing.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Linear(1).init(0, jnp.ones((1, 2)))
        >>> def loss_fn(model, x):
        ...     return model(x).sum()
        >>> loss, grads = tx.value_and_grad(loss_fn)(model, jnp.ones((3, 2)))
        >>> grads.bias
        Array([3.], dtype=float32)
    """

    def wrap(function: Any) -> Differentiated:
        return Differentiated(function, argnums, has_aux, wrt, options)

    return wrap if f is None else wrap(f)


def grad(
    f: Any = None,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    wrt: Filter | Sequence[Filter] | None = None,
    **options: Any,
) -> Any:
    """Like `value_and_grad`, without the value.

    Returns:
        A function that returns the gradients, or `(gradients, aux)` with `has_aux`.

    Example:
        >>> import treexlite as tx
        >>> tx.grad(lambda x: x**2)(3.0)
        Array(6., dtype=float32, weak_type=True)
    """

    def wrap(function: Any) -> _GradientOnly:
        return _GradientOnly(function, argnums, has_aux, wrt, options)

    return wrap if f is None else wrap(f)
