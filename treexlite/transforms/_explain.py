"""`tx.explain_retrace`: why a compiled function was traced again.

In: a `tx.jit`. Out: text. It stands beside `_jit`, whose history it reads, and not with the tables
and plots of `inspect`, because it needs nothing but names of the transformations' own room.
"""

from __future__ import annotations

from typing import Any

from treexlite._errors import ArgumentError, describe
from treexlite.transforms._callable import BoundTransform
from treexlite.transforms._history import History, changes
from treexlite.transforms._jit import Jitted

_NOTHING = (
    "nothing in the modules and arguments; a setting of JAX (`jax.config`), the mesh or the"
    " sharding of an argument did, or JAX had cleared its caches."
)


def explain_retrace(jitted: Any) -> str:
    """Say what differed between the last traces of a compiled function, by path, old and new.

    Each of the last traces is compared with the earlier one that is most like it.

    Args:
        jitted: what `tx.jit` returned; also a jitted method of a module (`model.step`).

    Raises:
        ArgumentError: `jitted` was not made by `tx.jit`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> double = tx.jit(lambda x: 2 * x)
        >>> _ = double(jnp.ones(3)), double(jnp.ones(4)), double(jnp.ones(4))
        >>> print(tx.explain_retrace(double))
        `<lambda>` was traced 2 times.
        Trace 2 differed from trace 1:
          argument `args[0]`: float32[3] -> float32[4]
    """
    transform = jitted.transform if isinstance(jitted, BoundTransform) else jitted
    if not isinstance(transform, Jitted):
        raise ArgumentError(
            "explain_retrace",
            expected="a function that `tx.jit` has compiled",
            received=f"jitted={describe(jitted)}",
            fix="Pass what `tx.jit` returned, or a jitted method (`model.step`).",
        )
    history = transform.history
    if history.count == 0:
        return f"`{history.name}` has not been traced yet: it is traced when it is first called."
    if history.count == 1:
        return f"`{history.name}` was traced once, and is not traced again for calls like that."
    lines = [f"`{history.name}` was traced {history.count} times."]
    for number in range(1, len(history.traces)):
        lines += _compared(history, number)
    return "\n".join(lines)


def _compared(history: History, number: int) -> list[str]:
    """Describe one trace, against the most similar one before it."""
    traces = list(history.traces)
    found = [(changes(earlier, traces[number]), earlier) for earlier in reversed(traces[:number])]
    differences, earlier = min(found, key=lambda pair: len(pair[0]))
    head = f"Trace {traces[number].number} differed from trace {earlier.number}:"
    if not differences:
        return [head, f"  {_NOTHING}"]
    return [head, *(f"  {difference}" for difference in differences)]
