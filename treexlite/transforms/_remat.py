"""`tx.remat`: save memory by computing a function again during differentiation.

What the function changes in its modules is changed once, by the forward pass; the second
computation starts from the same state and its changes are those of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from treexlite._context import current_init
from treexlite.transforms._callable import Transform
from treexlite.transforms._flat import Flat
from treexlite.transforms._lift import commit
from treexlite.transforms._pack import pack
from treexlite.transforms._static_arguments import StaticArguments


class Rematerialised(Transform):
    """A function that is computed again instead of remembered; see `remat`."""

    name = "remat"

    def __init__(self, f: Any, argnums: Any, argnames: Any, options: dict[str, Any]) -> None:
        super().__init__(f)
        self.static = StaticArguments(self.name, self.function, argnums, argnames, self.num_known)
        self.options = options

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function under `jax.checkpoint`, and write what it changed."""
        if current_init() is not None:
            return self.function(*args, **kwargs)  # nothing is differentiated there
        args, kwargs, statics = self.static.split(args, kwargs)
        packed = pack(args, kwargs)
        flat = Flat(self.function, packed, statics)
        payload, node = jax.checkpoint(flat, **self.options)(packed.leaves, flat.arrays(packed))
        return commit(packed, payload, node.value)


def remat(
    f: Any = None,
    *,
    prevent_cse: bool = True,
    policy: Callable[..., bool] | None = None,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
) -> Any:
    """Return `f`, computed again during differentiation instead of keeping its intermediates.

    Args:
        f: a function, a method in a class body, a bound method or a module; left out when used as
            `@tx.remat(policy=...)`.
        prevent_cse: whether the compiler must keep the two computations apart. `False` is faster
            inside `tx.scan`, where it cannot join them anyway.
        policy: which intermediates may be kept, from `jax.checkpoint_policies`.
        static_argnums: positions of arguments that are part of the program. Only numbers and arrays
            need this: a string or a function among the arguments is never traced.
        static_argnames: names of such keyword arguments.

    Returns:
        A callable with the signature of `f`. It changes modules as `f` does, once.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Linear(1).init(0, jnp.ones((1, 2)))
        >>> grads = tx.grad(lambda model, x: tx.remat(model)(x).sum())(model, jnp.ones((3, 2)))
        >>> grads.bias
        Array([3.], dtype=float32)
    """
    options = {"prevent_cse": prevent_cse, "policy": policy}

    def wrap(function: Any) -> Rematerialised:
        return Rematerialised(function, static_argnums, static_argnames, options)

    return wrap if f is None else wrap(f)


checkpoint = remat
"""JAX's other name for `remat`."""
