"""Inline submodules: `@compact` methods create their layers where they use them.

The first run, during `init`, names the modules that the method constructs (`linear`, `linear2`,
...) and stores them on `self`. Later runs give the stored ones back, in order, after checking that
class and constructor arguments are still the same.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from treexlite._context import FRAME, Frame
from treexlite._core._record import change_modes
from treexlite._core._registry import is_array, is_module
from treexlite._core._statics import closed_over
from treexlite._errors import ContextError, FieldError, StructureError, describe
from treexlite._names import snake_case

F = TypeVar("F", bound=Callable[..., Any])


class Child(NamedTuple):
    """One inline submodule: its field, its class and what its constructor got."""

    name: str
    cls: type
    arguments: Hashable


class Run:
    """One run of a compact method on `module`."""

    __slots__ = ("children", "first", "index", "method", "module")

    def __init__(self, module: Any, method: str) -> None:
        recorded: dict[str, tuple[Child, ...]] = dict(module._tx_modes.compact or ())
        self.module, self.method = module, method
        self.first = method not in recorded
        self.children: list[Child] = list(recorded.get(method, ()))
        self.index = 0

    def construct(self, cls: type, args: Any, kwargs: Any, make: Callable[[], Any]) -> Any:
        """Answer a constructor call inside the method: a new module, or the stored one."""
        for argument in (*args, *kwargs.values()):
            _check_function(f"{cls.__name__} in {self.method} (compact)", argument)
        arguments = _argument_key((args, kwargs))
        if self.first:
            child = make()
            name = _unique(snake_case(cls.__name__), self.module)
            self.children.append(Child(name, cls, arguments))
            setattr(self.module, name, child)
            return child
        if self.index >= len(self.children):
            raise self._mismatch("no further submodule", cls, args, kwargs)
        name, known, known_arguments = self.children[self.index]
        if known is not cls or known_arguments != arguments:
            same = "with other arguments" if known is cls else ""
            raise self._mismatch(f"{known.__name__} {same}".strip(), cls, args, kwargs)
        self.index += 1
        return getattr(self.module, name)

    def finish(self) -> None:
        """Store what the first run constructed."""
        if self.first:
            recorded = dict(self.module._tx_modes.compact or ())
            recorded[self.method] = tuple(self.children)
            change_modes(self.module, compact=tuple(recorded.items()))

    def _mismatch(self, expected: str, cls: type, args: Any, kwargs: Any) -> StructureError:
        shown = [repr(arg) for arg in args] + [f"{k}={v!r}" for k, v in kwargs.items()]
        return StructureError(
            f"{type(self.module).__name__}.{self.method} (compact)",
            expected=f"the submodules of the first run in the same order: here {expected}",
            received=f"{cls.__name__}({', '.join(shown)})",
            fix=(
                "Construct the same modules on every call; what differs between calls belongs in"
                " their arguments at call time, or in modules built in `__init__`."
            ),
        )


def compact(method: F) -> F:
    """Let a method construct its submodules inline.

    The module is initialised by `init` like any other; calling it before raises
    `NotInitializedError`.

    Args:
        method: usually `__call__`.

    Raises:
        StructureError: a later call constructs other modules than the first.
        ContextError: the first call happens outside `init`.

    Example:
        >>> import jax, jax.numpy as jnp, treexlite as tx
        >>> class Net(tx.Module):
        ...     @tx.compact
        ...     def __call__(self, x):
        ...         x = jax.nn.relu(tx.nn.Linear(8)(x))
        ...         return tx.nn.Linear(2)(x)
        >>> net = Net().init(0, jnp.ones((1, 3)))
        >>> net.linear.kernel.shape, net.linear2.kernel.shape
        ((3, 8), (8, 2))
    """

    @functools.wraps(method)
    def run_compact(self: Any, *args: Any, **kwargs: Any) -> Any:
        below = FRAME.get()
        run = Run(self, method.__qualname__)
        if run.first and (below is None or below.init is None):
            raise ContextError(
                f"{type(self).__name__}.{method.__name__} (compact)",
                expected="the first call to happen during `init`",
                received="a call of a module that was not initialised",
                fix="Call `model = model.init(key, inputs)` first.",
            )
        frame = Frame(self, below)
        frame.compact = run
        token = FRAME.set(frame)
        try:
            output = method(self, *args, **kwargs)
        finally:
            FRAME.reset(token)
        run.finish()
        return output

    run_compact._is_compact = True  # type: ignore[attr-defined]
    return run_compact  # type: ignore[return-value]


def _argument_key(value: Any) -> Hashable:
    """Compare plain values by content, arrays by shape, functions by code, objects by class.

    A traced run has other arrays, other modules and other closures than the first one; and the key
    is pickled with the module, so it holds no objects.
    """
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return (value.shape, value.dtype.str, value.tobytes())
    if is_array(value):
        return (value.shape, str(value.dtype))
    if isinstance(value, slice):
        return ("slice", _argument_key((value.start, value.stop, value.step)))
    if isinstance(value, functools.partial):
        return ("partial", _argument_key((value.func, value.args, value.keywords)))
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, tuple(map(_argument_key, value)))
    if isinstance(value, (set, frozenset)):
        return frozenset(map(_argument_key, value))
    if isinstance(value, dict):
        return tuple((_argument_key(key), _argument_key(item)) for key, item in value.items())
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None), type(...), enum.Enum)):
        return (type(value).__name__, repr(value))
    if isinstance(value, np.dtype):
        return ("dtype", value.str)
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and not is_module(value):
        return (type(value).__qualname__, _argument_key(vars(value)))
    named = value if hasattr(value, "__qualname__") else type(value)
    return (getattr(named, "__module__", None), named.__qualname__, _code_key(value))


def _code_key(value: Any) -> Hashable:
    """Return a key of a Python function: its code, and the plain values that it closes over."""
    if not isinstance(value, types.FunctionType):
        return None
    code = value.__code__
    cells = tuple(_argument_key(content) for content in closed_over(value))
    return (code.co_code, repr(code.co_consts), code.co_names, cells)


def _check_function(where: str, value: Any) -> None:
    """Raise when a function given to an inline module closes over data of one run.

    Raises:
        FieldError: later runs would go on using the data of the first.
    """
    if isinstance(value, types.FunctionType) and any(
        is_array(content) or is_module(content) for content in closed_over(value)
    ):
        raise FieldError(
            where,
            expected="functions passed to inline modules to close over plain values only",
            received=f"{describe(value)}, which closes over an array or a module",
            fix="Declare the module in `__init__`, or pass the array when the module is called.",
        )


def _unique(name: str, module: Any) -> str:
    """Return a name that is no attribute or method of `module` yet."""
    if not hasattr(module, name):
        return name
    number = 2
    while hasattr(module, f"{name}{number}"):
        number += 1
    return f"{name}{number}"
