"""`tx.custom_jvp`: a forward derivative that you write yourself, over modules.

The function and its rule get modules where the caller passed modules. What the function changes is
carried out; where it is differentiated, what the rule changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._context import current_init
from treexlite._core._nothing import Nothing
from treexlite._errors import ArgumentError
from treexlite.transforms._callable import Transform
from treexlite.transforms._custom import Written, closed, no_rule, positional
from treexlite.transforms._flat import Flat
from treexlite.transforms._lift import Inside, commit
from treexlite.transforms._pack import pack
from treexlite.transforms._static_arguments import StaticArguments, Statics


class CustomJvp(Transform):
    """A function with a forward derivative of its own; see `custom_jvp`."""

    name = "custom_jvp"

    def __init__(self, f: Any, nondiff_argnums: Sequence[int]) -> None:
        super().__init__(f)
        self.static = StaticArguments(self.name, self.function, nondiff_argnums, (), self.num_known)
        self.rule: Callable[..., Any] | None = None

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule; can be used as a decorator.

        Args:
            rule: takes the static arguments, the primals and the tangents (a tuple each; a module's
                tangent is a module of its type, with `Nothing` for data that has none), and returns
                `(output, tangent)`.
        """
        self.rule = rule
        return rule

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function under `jax.custom_jvp`, and write what it changed."""
        if self.rule is None:
            raise no_rule(self, "defjvp(rule)")
        if current_init() is not None:
            return self.function(*args, **kwargs)
        args, statics = positional(self, self.static, args, kwargs)
        packed = pack(args, {})
        flat = Flat(self.function, packed, statics)
        written = Written(self.name, packed)

        def function(leaves: Any, arrays: Any) -> Any:
            payload, node = flat(leaves, arrays)
            written.effect = node.value
            return payload, node

        call = jax.custom_jvp(function)
        call.defjvp(_forward_rule(self.rule, flat, statics, written))
        payload, node = call(packed.leaves, flat.arrays(packed))
        return commit(packed, payload, node.value)


def _forward_rule(
    rule: Callable[..., Any], flat: Flat, statics: Statics, written: Written
) -> Callable[..., Any]:
    known = [static.value for _, static in statics]
    fixed = {place for place, _ in statics}

    def differentiable(arguments: Any) -> tuple[Any, ...]:
        args, _ = arguments
        return tuple(arg for n, arg in enumerate(args) if n not in fixed)

    def derive(primals: Any, tangents: Any) -> Any:
        inside = Inside(flat.key, primals[0])
        moves = Inside(flat.key, jax.tree_util.tree_map(_tangent, tangents[0]))
        output = rule(
            *known,
            differentiable(inside.fill(flat.arguments(primals[1]))),
            differentiable(moves.fill(flat.arguments(tangents[1]))),
        )
        if not (isinstance(output, tuple) and len(output) == 2):
            raise ArgumentError(
                "custom_jvp",
                expected="the rule to return `(output, tangent)`",
                received=f"a {type(output).__name__}",
                fix="Return a pair of trees of the same structure.",
            )
        (value, changed), node = closed("custom_jvp", inside, output[0])
        written.check(node.value)
        zeros = jax.tree_util.tree_map(_zero_tangent, changed)
        return ((value, changed), node), ((output[1], zeros), node)

    return derive


def _tangent(leaf: Any) -> Any:
    return Nothing if leaf.dtype == jax.dtypes.float0 else leaf


def _zero_tangent(leaf: Any) -> Any:
    if jnp.issubdtype(jnp.result_type(leaf), jnp.inexact):
        return jnp.zeros_like(leaf)
    return np.zeros(jnp.shape(leaf), jax.dtypes.float0)


def custom_jvp(f: Any = None, *, nondiff_argnums: int | Sequence[int] = ()) -> Any:
    """Return `f` with a forward derivative of its own, given by `.defjvp(rule)`.

    Args:
        f: a function, or a method in a class body; left out when used as a decorator with options.
        nondiff_argnums: positions of arguments that are static. The rule gets them first.

    Returns:
        A callable with the signature of `f`, which JAX can differentiate in both directions.

    Raises:
        ContextError: it is called before `.defjvp`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> @tx.custom_jvp
        ... def scaled(layer, x):
        ...     return layer(x)
        >>> @scaled.defjvp
        ... def rule(primals, tangents):
        ...     layer, x = primals
        ...     return layer(x), 2.0 * tangents[0](x)
        >>> layer = tx.nn.Linear(1).init(0, jnp.ones((1, 2)))
        >>> tx.grad(lambda layer, x: scaled(layer, x).sum())(layer, jnp.ones((3, 2))).bias
        Array([6.], dtype=float32)

    Reference:
        `jax.custom_jvp`.
    """
    numbers = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else tuple(nondiff_argnums)
    return CustomJvp(f, numbers) if f is not None else lambda g: CustomJvp(g, numbers)
