"""From a function to a program, and what may stand in the way.

In: a function of arrays, and shapes, of which sizes may be symbolic. Out: what it is traced to, and
a `jax.export.Exported`. Nothing is mutated. What the code of a model raises keeps its type and gets
a note; what JAX cannot write is an `ArgumentError`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
from jax import export as jax_export

from treexlite._errors import ArgumentError
from treexlite.serving._specs import spec_of
from treexlite.transforms._inner import CALLBACKS, inner_programs

_NAME = "InconclusiveDimensionOperation"  # in another module in older versions of JAX
_Inconclusive: type[Exception] = getattr(jax.errors, _NAME, None) or getattr(jax.core, _NAME)


def traced(function: Callable[..., Any], parameters: Any, inputs: tuple[Any, ...]) -> Any:
    """Return the jaxpr of a function.

    Args:
        function: takes `(parameters, *inputs)`.
        parameters: a tree of shapes.
        inputs: trees of shapes.

    Raises:
        ArgumentError: it asks for the value of a symbolic size, or calls Python when it runs.
    """
    with _one_program_for_all_sizes(), _noted(inputs):
        jaxpr = jax.jit(function).trace(parameters, *inputs).jaxpr.jaxpr
    names = sorted(_primitives(jaxpr) & CALLBACKS)
    if names:
        raise ArgumentError(
            "export",
            expected="a model that calls no Python while it runs",
            received=f"one with {', '.join(names)}",
            fix="Take it out: `jax.debug.print`, `jax.debug.callback`, `jax.pure_callback` and"
            " `io_callback` need the process that wrote the program.",
        )
    return jaxpr


def lowered(
    function: Callable[..., Any],
    parameters: Any,
    inputs: tuple[Any, ...],
    platforms: Sequence[str] | None,
) -> jax_export.Exported:
    """Return the program of a function that could be traced.

    Args:
        function: takes `(parameters, *inputs)`.
        parameters: a tree of shapes.
        inputs: trees of shapes.
        platforms: for which to lower; None: the one that JAX uses here.

    Raises:
        ArgumentError: JAX cannot write it, or it takes several devices.
    """
    with _one_program_for_all_sizes(), _written():
        lower = jax_export.export(jax.jit(function), platforms=platforms)
        exported = lower(parameters, *inputs)
    if exported.nr_devices != 1:
        raise ArgumentError(
            "export",
            expected="a model that runs on one device",
            received=f"one that constrains shardings, or is called in a mesh, of"
            f" {exported.nr_devices} devices",
            fix="Export outside of `jax.set_mesh`, and without constraints on shardings.",
        )
    return exported


def serialized(exported: jax_export.Exported) -> bytearray:
    """Return a program as bytes.

    Raises:
        ArgumentError: JAX cannot write it.
    """
    with _written():
        return exported.serialize()


@contextmanager
def _one_program_for_all_sizes() -> Iterator[None]:
    try:
        yield
    except _Inconclusive as error:
        raise ArgumentError(
            "export",
            expected="a model that does the same for every size that is symbolic",
            received=str(error).partition("\n")[0].rstrip("."),
            fix='Say what holds for the sizes, for example `constraints=["time <= 512"]`, or fix'
            " them: `shapes=None` takes those of the example inputs.",
        ) from error


@contextmanager
def _noted(inputs: tuple[Any, ...]) -> Iterator[None]:
    """Say with what the model was called; a symbolic size explains many an error."""
    try:
        yield
    except Exception as error:
        if getattr(error, "where", None) != "export":
            shown = jax.tree_util.tree_map(spec_of, inputs)
            error.add_note(
                f"raised while `export` called the model with {shown};"
                " `shapes=None` exports it for the sizes of the example inputs"
            )
        raise


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except (ImportError, MemoryError, _Inconclusive):
        raise
    except Exception as error:  # those of JAX's lowering have many types
        raise ArgumentError(
            "export",
            expected="a model made of operations that `jax.export` can write",
            received=f"{type(error).__name__}: {_shortened(str(error))}",
            fix="Replace the operation that JAX names: kernels of one platform have no place in a"
            " file that lasts.",
        ) from error


def _shortened(message: str) -> str:
    """Return the beginning: JAX goes on with a part of the program, where each line has a stack."""
    return textwrap.shorten(message, 300, placeholder=" ...").rstrip(".")


def _primitives(jaxpr: Any) -> set[str]:
    """Return the names of all operations, those of inner programs too."""
    names = set()
    for equation in jaxpr.eqns:
        names.add(equation.primitive.name)
        for inner in inner_programs(equation):
            names |= _primitives(inner)
    return names
