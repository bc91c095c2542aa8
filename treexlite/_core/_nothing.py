"""`Nothing`: what stands where a filter dropped a leaf.

It is a PyTree without leaves, so a filtered module goes through JAX as it is. The class is its own
only instance: `x is Nothing`, `isinstance(x, Nothing)` and `x == NOTHING` all ask the same
question.
"""

from __future__ import annotations

from typing import Any

import jax


class _NothingType(type):
    def __call__(cls) -> Any:
        return cls

    def __instancecheck__(cls, instance: Any) -> bool:
        return instance is cls

    def __repr__(cls) -> str:
        return "Nothing"

    def __bool__(cls) -> bool:
        return False


class Nothing(metaclass=_NothingType):
    """The absence of a leaf; a PyTree without leaves."""


NOTHING = Nothing

jax.tree_util.register_pytree_node(_NothingType, lambda _: ((), None), lambda _, __: Nothing)
