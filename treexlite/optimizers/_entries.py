"""The state of a transformation by path: the part for some parameters, and parts put together.

In: states of one transformation for different sets of parameters. Out: one state. Nothing mutates.
"""

from __future__ import annotations

from typing import Any

import jax


def restricted(fresh: Any, old: Any) -> Any:
    """Return `fresh` with the values of `old` wherever both have an entry."""
    if isinstance(fresh, dict) and isinstance(old, dict):
        return {k: restricted(v, old[k]) if k in old else v for k, v in fresh.items()}
    if isinstance(fresh, tuple) and isinstance(old, tuple) and len(fresh) == len(old):
        return _like(fresh, [restricted(a, b) for a, b in zip(fresh, old, strict=True)])
    return old


def union(old: Any, new: Any) -> Any:
    """Return `new` together with the entries that only `old` has."""
    if isinstance(old, dict) and isinstance(new, dict):
        merged = {k: union(old[k], v) if k in old else v for k, v in new.items()}
        return dict(sorted({**old, **merged}.items()))
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        return _like(new, [union(a, b) for a, b in zip(old, new, strict=True)])
    return new


def strongly_typed(state: Any) -> Any:
    """Return a state whose arrays have a type of their own, not that of a Python number.

    Some transformations begin with Python numbers and go on with arrays (L-BFGS does), which would
    compile every program twice.
    """

    def strong(leaf: Any) -> Any:
        weak = getattr(leaf, "weak_type", False)
        return jax.lax.convert_element_type(leaf, leaf.dtype) if weak else leaf

    return jax.tree.map(strong, state)


def _like(value: Any, items: list[Any]) -> Any:
    return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
