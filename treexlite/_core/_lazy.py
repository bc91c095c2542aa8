"""What stands in a node field before `init` has created its array.

`PENDING` marks a field that needs the shape of an input; `Initializer(f)` marks one that `init`
fills with `f(key)`. Both are PyTrees without leaves, so an uninitialised module is still an
ordinary tree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from treexlite._core._statics import static_key
from treexlite._errors import ArgumentError, NotInitializedError, describe


class Pending:
    """The value of a declared field that `init` has not created yet."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotInitializedError(
            "field",
            expected="an array created by `init`",
            received=f"a field that is still pending (`.{name}` was asked of it)",
            fix="Call `model = model.init(key, inputs)` first.",
        )

    def __repr__(self) -> str:
        return "Pending"

    def __reduce__(self) -> str:
        return "PENDING"

    def __bool__(self) -> bool:
        return False


PENDING = Pending()


class Initializer:
    """A field value that `init` replaces by `f(key)`.

    Args:
        f: takes a PRNG key and returns an array, or a tree of arrays. The key depends on the seed
            and on the path of the field only.

    Raises:
        ArgumentError: `f` is not callable.

    Example:
        >>> import jax, treexlite as tx
        >>> class Scale(tx.Module):
        ...     w: jax.Array = tx.Parameter.node()
        ...
        ...     def __init__(self):
        ...         self.w = tx.Initializer(lambda key: jax.random.uniform(key, (2,)))
        >>> Scale().init(0).w.shape
        (2,)
    """

    __slots__ = ("f",)

    def __init__(self, f: Callable[[jax.Array], Any]) -> None:
        if not callable(f):
            raise ArgumentError(
                "Initializer",
                expected="a function of a PRNG key",
                received=f"f={describe(f)}",
                fix="Pass a function, for example `lambda key: jax.random.normal(key, (3,))`.",
            )
        self.f = f

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Initializer) and static_key(self.f) == static_key(other.f)

    def __hash__(self) -> int:
        return hash(static_key(self.f))

    def __repr__(self) -> str:
        return f"Initializer({getattr(self.f, '__name__', self.f)!s})"


def is_lazy(value: Any) -> bool:
    """Whether `init` still has to create this value."""
    return value is PENDING or type(value) is Initializer


jax.tree_util.register_pytree_node(Pending, lambda _: ((), None), lambda _, __: PENDING)
jax.tree_util.register_pytree_node(Initializer, lambda lazy: ((), lazy), lambda lazy, _: lazy)
