"""A model as a program: traced, lowered to StableHLO, with the arrays that it reads beside it.

In: a model, its inputs as trees of shapes, and what to call. Out: a `jax.export.Exported` that
takes `(parameters, *inputs)`, where `parameters` is `{path: array}`; and those arrays. Nothing is
mutated: the call works on a copy of the model. What it writes to that copy has nowhere to go, which
is refused unless it is a log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import export as jax_export

from treexlite._core import Log
from treexlite._core._differences import differences
from treexlite._core._graph import walk
from treexlite._core._named import named_infos, with_named
from treexlite._errors import ArgumentError
from treexlite.checkpoints._arrays import is_key
from treexlite.serving._lowering import lowered, traced
from treexlite.serving._specs import convert

Arrays = dict[str, Any]


class Program(NamedTuple):
    """What is to be written.

    Attributes:
        exported: takes `(parameters, *inputs)`.
        parameters: `{path: array}`, only those that it reads; of typed keys, the raw data.
    """

    exported: jax_export.Exported
    parameters: Arrays


def build(
    model: Any,
    inputs: tuple[Any, ...],
    call: Callable[..., Any],
    platforms: Sequence[str] | None,
    inside: bool,
    ignore_writes: bool,
) -> Program:
    """Trace a model and lower it.

    Args:
        model: in the mode in which it is to run.
        inputs: trees of `jax.ShapeDtypeStruct`, sizes may be symbolic.
        call: `call(model, *inputs)`.
        platforms: for which to lower; None: the one that JAX uses here.
        inside: whether arrays are constants of the program.
        ignore_writes: whether state that the call writes may be dropped.

    Raises:
        ArgumentError: the call writes state, returns something else than arrays in plain
            containers, depends on a size that is symbolic, or is nothing that JAX can write.
    """
    run = _Run(model, call, ignore_writes)
    jaxpr = traced(run, _shapes(run.data), inputs)
    if inside:
        exported = lowered(lambda _, *given: run(run.data, *given), {}, inputs, platforms)
        return Program(exported, {})
    used = _used(run.data, jaxpr)
    return Program(lowered(run, _shapes(used), inputs, platforms), used)


def _used(arrays: Arrays, program: Any) -> Arrays:
    """Return the arrays that outputs depend on; the others have no place in the file."""
    live = set(map(id, program.outvars))
    for equation in reversed(program.eqns):
        if equation.effects or not live.isdisjoint(map(id, equation.outvars)):
            live.update(map(id, equation.invars))
    names = sorted(arrays)  # the order in which JAX flattens a dict
    return {n: arrays[n] for n, var in zip(names, program.invars, strict=False) if id(var) in live}


def _shapes(arrays: Arrays) -> Arrays:
    return {name: jax.ShapeDtypeStruct(a.shape, a.dtype) for name, a in arrays.items()}


class _Run:
    """The function that is traced: builds the model around arrays, calls it, looks what changed.

    Attributes:
        data: `{path: array}` of the model, typed keys as raw data.
    """

    def __init__(self, model: Any, call: Callable[..., Any], ignore_writes: bool) -> None:
        self.model, self.call, self.ignore_writes = model, call, ignore_writes
        self.values = {path: info.value for path, info in _infos(model).items()}
        self.data = {path: _data(value) for path, value in self.values.items()}

    def __call__(self, arrays: Arrays, *inputs: Any) -> Any:
        """Return the outputs. Arrays that are missing are known not to be read."""
        leaves = {
            path: _like(value, arrays[path] if path in arrays else jnp.zeros_like(self.data[path]))
            for path, value in self.values.items()
        }
        model = with_named(self.model, leaves)
        output = self.call(model, *inputs)
        if not self.ignore_writes:
            self._require_unchanged(model, leaves)
        return convert("export", output, _output, "output")

    def _require_unchanged(self, model: Any, leaves: Arrays) -> None:
        after = _infos(model)
        written = [
            f"`{path}` ({info.kind.__name__})"
            for path, info in after.items()
            if info.value is not leaves.get(path) and not issubclass(info.kind, Log)
        ]
        changes = differences(walk(self.model).spec, walk(model).spec)
        written += [str(change) for change in changes if change.what == "static"]
        if written:
            raise ArgumentError(
                "export",
                expected="a call that leaves the state of the model as it is",
                received=f"one that writes {', '.join(written)}",
                fix="A program has no memory: pass the state as an input and return it, in a"
                " function given as `call`; or begin each call with the present state, with"
                " `ignore_writes=True`.",
            )


def _infos(model: Any) -> dict[str, Any]:
    return named_infos(model, lambda info: True)


def _data(value: Any) -> Any:
    """Return the numbers of a leaf, on this machine's memory: a program has no other devices."""
    return np.asarray(jax.random.key_data(value) if is_key(value) else value)


def _like(value: Any, array: Any) -> Any:
    """Return what stands in the model for `value`, with the numbers of `array`."""
    if is_key(value):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(value))
    if getattr(value, "weak_type", False):
        start = jnp.asarray(np.dtype(array.dtype).type(0).item())  # weak, as Python's numbers are
        return jnp.broadcast_to(start, array.shape).at[...].set(array)
    return jnp.asarray(array)


def _output(value: Any, path: str) -> jax.Array:
    try:
        if not is_key(value):
            return jnp.asarray(value)
    except TypeError:
        pass
    raise ArgumentError(
        "export",
        expected=f"arrays of numbers at `{path}`",
        received="a typed PRNG key" if is_key(value) else f"a {type(value).__name__}",
        fix="Return arrays only, from a function given as `call`.",
    )
