"""What a traced function says beside its arrays.

JAX transformations return what a function returns, in its tree structure. A node without leaves
whose structure is any Python object therefore comes out of a trace as it was put in.
"""

from __future__ import annotations

from typing import Any

import jax


class Aside:
    """Carries a Python object out of a trace, as a PyTree without leaves."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


jax.tree_util.register_pytree_node(
    Aside, lambda node: ((), node.value), lambda value, _: Aside(value)
)
