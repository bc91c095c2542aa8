"""`tx.jacfwd`, `tx.jacrev` and `tx.hessian`: derivatives of every output by every input.

As `jax.jacfwd` and its siblings, with modules among the arguments. What the function changes in its
modules is changed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from treexlite._core._filters import Filter
from treexlite.transforms._lift import commit
from treexlite.transforms._point import Differentiator


class Jacobian(Differentiator):
    """A function that returns Jacobians; see `jacrev`."""

    name = "jacrev"
    derive: Callable[..., Any] = staticmethod(jax.jacrev)
    order = 1

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the derivatives, or `(derivatives, aux)`."""
        point = self.point(args, kwargs)
        structures: list[Any] = []

        def inner(leaves: Any, arguments: Any) -> Any:
            value, aux = point.inner(leaves, arguments)
            structures.append(jax.tree_util.tree_structure(value))
            return value, aux

        result, (payload, node) = self._derived(inner, point.inputs)
        aux = commit(point.packed, payload, node.value)
        chosen = point.chosen
        assemble = chosen.assemble if self.order == 1 else chosen.assemble_twice
        parts = [assemble(*part) for part in structures[0].flatten_up_to(result)]
        derivatives = jax.tree_util.tree_unflatten(structures[0], parts)
        return (derivatives, aux) if self.has_aux else derivatives

    def _derived(self, inner: Callable[..., Any], inputs: Any) -> Any:
        """Apply the JAX transformation, which does not know derivatives by nothing."""
        if jax.tree_util.tree_leaves(inputs):
            return self.derive(inner, argnums=(0, 1), has_aux=True, **self.options)(*inputs)
        value, aux = inner(*inputs)
        return jax.tree_util.tree_map(lambda _: inputs, value), aux


class ForwardJacobian(Jacobian):
    """The same by forward differentiation; see `jacfwd`."""

    name = "jacfwd"
    derive = staticmethod(jax.jacfwd)


class Hessian(Jacobian):
    """A function that returns second derivatives; see `hessian`."""

    name = "hessian"
    derive = staticmethod(jax.hessian)
    order = 2


def jacrev(
    f: Any = None,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    wrt: Filter | Sequence[Filter] | None = None,
    **options: Any,
) -> Any:
    """Return a function that computes the Jacobian of `f` in reverse mode.

    Reverse mode is the better one for few outputs and many inputs.

    Args:
        f: returns arrays (or a tree of them), or `(arrays, aux)` with `has_aux`. Left out when used
            as a decorator.
        argnums: which positional arguments to differentiate; see `value_and_grad`.
        has_aux: whether `f` returns a pair.
        wrt: filters that choose what in the modules is differentiated; see `value_and_grad`.
        options: passed to `jax.jacrev` (`holomorphic`, `allow_int`).

    Returns:
        A function that returns the Jacobian, or `(jacobian, aux)`: for each output the argument's
        tree with arrays of shape `(*output, *input)`. A module's part is a module of its type with
        `Nothing` where nothing was differentiated.

    Raises:
        ArgumentError: `argnums` names no argument, or `f` returns a module.
        PathError: a path pattern in `wrt` matches nothing.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> tx.jacrev(lambda model, x: model(x))(model, jnp.ones(3)).kernel.shape
        (2, 3, 2)
    """
    return _decorated(Jacobian, f, argnums, has_aux, wrt, options)


def jacfwd(
    f: Any = None,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    wrt: Filter | Sequence[Filter] | None = None,
    **options: Any,
) -> Any:
    """Like `jacrev` in forward mode, which is the better one for few inputs and many outputs.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> tx.jacfwd(jnp.square)(jnp.array([1.0, 2.0])).diagonal()
        Array([2., 4.], dtype=float32)
    """
    return _decorated(ForwardJacobian, f, argnums, has_aux, wrt, options)


def hessian(
    f: Any = None,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    wrt: Filter | Sequence[Filter] | None = None,
    **options: Any,
) -> Any:
    """Return a function that computes second derivatives of `f`; arguments as in `jacrev`.

    Returns:
        A function that returns the Hessian, or `(hessian, aux)`: the argument's tree in which each
        leaf is the argument's tree again, with arrays of shape `(*output, *outer, *inner)`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Linear(1).init(0, jnp.ones((1, 2)))
        >>> second = tx.hessian(lambda model, x: (model(x) ** 2).sum())(model, jnp.ones(2))
        >>> second.kernel.bias.shape
        (2, 1, 1)
    """
    return _decorated(Hessian, f, argnums, has_aux, wrt, options)


def _decorated(
    cls: type[Jacobian], f: Any, argnums: Any, has_aux: bool, wrt: Any, options: dict[str, Any]
) -> Any:
    def wrap(function: Any) -> Jacobian:
        return cls(function, argnums, has_aux, wrt, options)

    return wrap if f is None else wrap(f)
