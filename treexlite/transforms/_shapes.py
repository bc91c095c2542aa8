"""`tx.eval_shape` and `tx.make_jaxpr`: look at what a function computes, without computing it.

Nothing is run and no module is changed. Fields and arguments may be arrays or
`jax.ShapeDtypeStruct`s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from treexlite.transforms._aside import Aside
from treexlite.transforms._callable import Transform, unwrap
from treexlite.transforms._flat import Flat
from treexlite.transforms._pack import Packed, pack
from treexlite.transforms._static_arguments import StaticArguments


def eval_shape(f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Return what `f(*args, **kwargs)` would return, with shapes in place of arrays.

    Args:
        f: a function, a bound method or a module.
        args: positional arguments: arrays, shapes, modules, trees of them.
        kwargs: keyword arguments.

    Returns:
        The output with `jax.ShapeDtypeStruct` for each array. A returned module is a new module of
        shapes, with the state that it would have afterwards.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> x = jax.ShapeDtypeStruct((4, 3), jnp.float32)
        >>> model = tx.eval_shape(tx.nn.Linear(2).init, 0, x)
        >>> model.kernel.shape, tx.eval_shape(model, x).shape
        ((3, 2), (4, 2))
    """
    function, known, named = unwrap("eval_shape", f)
    packed = pack((*known, *args), {**named, **kwargs})
    flat = Flat(function, packed)
    return shapes(packed, *jax.eval_shape(flat, packed.leaves, flat.arrays(packed)))


def shapes(packed: Packed, payload: Any, node: Aside) -> Any:
    """Return the output of a call in shapes, given what `Inside.close` returned in shapes."""
    output, values = jax.tree_util.tree_map(_struct, payload)
    effect = node.value
    if effect.spec is None:
        return output
    remaining = iter(values)
    data = [next(remaining) if n is None else _shape(packed.leaves[n]) for n in effect.sources]
    _, outputs, _ = effect.spec.build(data).root
    return jax.tree_util.tree_unflatten(effect.treedef, outputs)


def _struct(info: Any) -> jax.ShapeDtypeStruct:
    if isinstance(info, jax.ShapeDtypeStruct):
        return info
    return jax.ShapeDtypeStruct(info.shape, info.dtype)  # what older JAX says of outputs


def _shape(tree: Any) -> Any:
    return jax.eval_shape(lambda value: value, tree)


class JaxprMaker(Transform):
    """A function that returns the program of another; see `make_jaxpr`."""

    name = "make_jaxpr"

    def __init__(self, f: Any, argnums: Any, argnames: Any, return_shape: bool) -> None:
        super().__init__(f)
        self.static = StaticArguments(self.name, self.function, argnums, argnames, self.num_known)
        self.return_shape = return_shape

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Trace the function; changes no module."""
        args, kwargs, statics = self.static.split(args, kwargs)
        packed = pack(args, kwargs)
        flat = Flat(self.function, packed, statics)
        arguments = (packed.leaves, flat.arrays(packed))
        jaxpr, (payload, node) = jax.make_jaxpr(flat, return_shape=True)(*arguments)
        return (jaxpr, shapes(packed, payload, node)) if self.return_shape else jaxpr


def make_jaxpr(
    f: Any,
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    return_shape: bool = False,
) -> Any:
    """Return a function that gives the jaxpr of `f`: the program that JAX sees.

    Args:
        f: a function, a bound method or a module.
        static_argnums: positions of arguments that are part of the program.
        static_argnames: names of such keyword arguments.
        return_shape: whether to return the shapes of the output as well.

    Returns:
        A function of the arguments of `f`. Inputs of the jaxpr are the modules' fields (in the
        order of `module.fields()`), then the other arrays; outputs are those of `f`, then the
        fields that it changes.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Linear(2).init(0, jnp.ones((1, 3)))
        >>> len(tx.make_jaxpr(model)(jnp.ones((1, 3))).jaxpr.invars)
        3
    """
    return JaxprMaker(f, static_argnums, static_argnames, return_shape)
