"""What a caller gives to a program, compared with what it takes.

In: the arguments, and a tree of `ArraySpec`s for each. Out: the arguments, with arrays in place of
Python's numbers; or an error that names the place. Nothing is mutated, and nothing is converted
that would lose anything: a program has exactly the dtypes it was exported with.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._errors import ArgumentError, ShapeError, StructureError, describe
from treexlite.serving._specs import ArraySpec

_NUMBERS = (bool, int, float, complex)
_ARRAYS = (jax.Array, np.ndarray, np.generic)


def checked(where: str, specs: tuple[Any, ...], inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the inputs as a program takes them.

    Args:
        where: what is called, for errors.
        specs: a tree of `ArraySpec`s for each argument.
        inputs: the arguments.

    Raises:
        StructureError: there are more or fewer arguments, or their containers are others.
        ShapeError: an array has other axes.
        ArgumentError: an array has another dtype, or something is no array.
    """
    if len(inputs) != len(specs):
        raise StructureError(
            where,
            expected=f"{len(specs)} inputs",
            received=f"{len(inputs)}",
            fix=f"Pass {specs}.",
        )
    check = _Check(where)
    return tuple(
        check.visit(spec, value, f"inputs[{n}]")
        for n, (spec, value) in enumerate(zip(specs, inputs, strict=True))
    )


class _Check:
    """The recursion of `checked`; it knows the sizes that it has seen by name."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.sizes: dict[str, tuple[Any, str]] = {}

    def visit(self, spec: Any, value: Any, path: str) -> Any:
        if isinstance(spec, ArraySpec):
            return self.visit_array(spec, value, path)
        if spec is None and value is None:
            return None
        if type(value) is not type(spec) or _keys(spec) != _keys(value):
            raise StructureError(
                self.where,
                expected=f"{_shown(spec)} as `{path}`",
                received=_shown(value),
                fix="Pass inputs in the containers of `exported.inputs`.",
            )
        parts = {key: self.visit(spec[key], value[key], f"{path}[{key!r}]") for key in _keys(spec)}
        return parts if type(spec) is dict else type(spec)(parts.values())

    def visit_array(self, spec: ArraySpec, value: Any, path: str) -> Any:
        if type(value) in _NUMBERS and not spec.shape:
            value = self.number(spec, value, path)
        if isinstance(value, np.ma.MaskedArray):
            raise self.refused(spec, value, path, "Give masked values a number: `x.filled(0)`.")
        if not isinstance(value, _ARRAYS):
            raise self.refused(spec, value, path, "Make an array of it, with `numpy.asarray`.")
        self.check_shape(spec, value, value.shape, path)
        if value.dtype != spec.dtype:
            fix = f'Convert it: `x.astype("{spec.dtype.name}")`.'
            raise self.refused(spec, value, path, fix)
        return value

    def number(self, spec: ArraySpec, value: Any, path: str) -> Any:
        """Return a number of Python as an array, where JAX would take it for one of that dtype."""
        try:
            if jnp.result_type(value, spec.dtype) == spec.dtype:
                return np.asarray(value, spec.dtype)
        except OverflowError:
            pass
        raise self.refused(spec, value, path, "Pass a number that this dtype holds.")

    def refused(self, spec: ArraySpec, value: Any, path: str, fix: str) -> ArgumentError:
        return ArgumentError(
            self.where,
            expected=f"{_array(spec)} as `{path}`",
            received=_received(value),
            fix=fix,
        )

    def check_shape(self, spec: ArraySpec, value: Any, shape: tuple[Any, ...], path: str) -> None:
        known = {name: f"{size} by `{by}`" for name, (size, by) in self.sizes.items()}
        fits = len(shape) == len(spec.shape)
        if not fits or not all(map(self._fits, spec.shape, shape, [path] * len(shape))):
            said = ", ".join(f"{k} is {v}" for k, v in known.items() if k in spec.shape)
            raise ShapeError(
                self.where,
                expected=f"{_array(spec)} as `{path}`" + (f" ({said})" if said else ""),
                received=describe(value),
                fix="Names stand for any size of at least 1; the same name is the same size.",
            )

    def _fits(self, expected: int | str, size: Any, path: str) -> bool:
        if type(expected) is int:
            return bool(expected == size)
        if not str(expected).isidentifier():
            return True  # a formula, which JAX checks
        if type(size) is int and size < 1:
            return False
        return bool(self.sizes.setdefault(str(expected), (size, path))[0] == size)


def _keys(tree: Any) -> list[Any]:
    if type(tree) is dict:
        return sorted(tree, key=repr)
    return list(range(len(tree))) if type(tree) in (list, tuple) else []


def _shown(tree: Any) -> str:
    if type(tree) is dict:
        return f"a dict of {', '.join(map(repr, _keys(tree))) or 'nothing'}"
    if type(tree) in (list, tuple):
        return f"a {type(tree).__name__} of {len(tree)}"
    return "None" if tree is None else describe(tree)


def _received(value: Any) -> str:
    """Describe a value; what only looks like an array, by its class too."""
    is_array = isinstance(value, _ARRAYS) and not isinstance(value, np.ma.MaskedArray)
    looks = not is_array and hasattr(value, "shape") and hasattr(value, "dtype")
    return f"{type(value).__name__}, {describe(value)}" if looks else describe(value)


def _array(spec: ArraySpec) -> str:
    sizes = ", ".join(map(str, spec.shape)) + ("," if len(spec.shape) == 1 else "")
    return f"an array of shape ({sizes}) and dtype {spec.dtype.name}"


def require_64_bits(where: str, trees: Any) -> None:
    """Check that JAX has the dtypes of a program in its present setting.

    Raises:
        ArgumentError: some have 64 bits, and JAX is set to 32.
    """
    dtypes = {spec.dtype for spec in jax.tree_util.tree_leaves(trees)}
    wide = [dtype.name for dtype in dtypes if jax.dtypes.canonicalize_dtype(dtype) != dtype]
    if wide:
        raise ArgumentError(
            where,
            expected="JAX to be set to 64 bits, as it was at the export",
            received=f"32 bits, and a program with {', '.join(sorted(wide))}",
            fix='Call `jax.config.update("jax_enable_x64", True)` at the beginning.',
        )
