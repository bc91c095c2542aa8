"""The guard of modules that a trace does not own.

Each module remembers the trace in which it was made (`jax.extend.core.get_opaque_trace_state`). A
traced value that is written to a module of another trace could never come out again: it would be a
leaked tracer. The write is refused, and the error names module and field.
"""

from __future__ import annotations

from typing import Any

import jax

from treexlite._core._record import trace_state
from treexlite._core._registry import CONCRETE_ARRAY_TYPES, is_tracer
from treexlite._errors import CapturedModuleError, describe


def check_owned(module: Any, name: str, value: Any) -> None:
    """Raise when `value` is traced and `module` was made in another trace.

    Raises:
        CapturedModuleError: the write would leak a tracer.
    """
    if type(value) in CONCRETE_ARRAY_TYPES or module._tx_trace == trace_state():
        return
    if any(map(is_tracer, jax.tree_util.tree_leaves(value))):
        raise CapturedModuleError(
            type(module).__name__,
            expected=f"field `{name}` to be written where the module was made or passed in",
            received=f"{name}={describe(value)}, traced while the module was captured",
            fix=(
                "Pass the module as an argument of the transformed function, or give the bound"
                " method itself (`model.step`) instead of a function that captures `model`, and use"
                " the `tx` form of the transformation (`tx.jit`, `tx.scan`, ...)."
            ),
        )
