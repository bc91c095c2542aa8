"""Programs inside of programs: the bodies of loops, branches and calls.

In: a jaxpr. Out: those that its equations hold as parameters. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CALLBACKS = {"pure_callback", "io_callback", "debug_callback", "debug_print"}
"""The primitives that call Python while a program runs."""


def inner_programs(equation: Any) -> Iterator[Any]:
    """Give the jaxprs that an equation holds, not those inside of them."""
    return _of(equation.params.values())


def _of(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from _of(value)
        elif hasattr(value, "eqns"):
            yield value
        elif hasattr(value, "jaxpr"):
            yield value.jaxpr
