"""What can be transformed, and what a transformed thing is.

In: a function, a method in a class body, a bound method, a module, a `functools.partial`, or
another transformed thing. Out: the plain function below it and the arguments that are already
known. `Transform` is the base of all transformed things: callable, and a method when it stands in a
class body.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import types
from collections.abc import Callable
from typing import Any

from treexlite._core._calls import doorway
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, describe
from treexlite.transforms._pack import has_module


def unwrap(where: str, f: Any) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """Return `(function, args, kwargs)` such that `f(*more)` is `function(*args, *more, **kwargs)`.

    Raises:
        ArgumentError: `f` cannot be called.
    """
    if is_module(f) and callable(f):
        return _call_of(type(f)), (f,), {}
    if isinstance(f, types.MethodType) and is_module(f.__self__):
        return f.__func__, (f.__self__,), {}
    if isinstance(f, BoundTransform):
        return f.transform, (f.instance,), {}
    if isinstance(f, Transform):
        return f.unbound(), f.args, f.kwargs
    if isinstance(f, functools.partial):
        function, args, kwargs = unwrap(where, f.func)
        return _taken_apart(function, (*args, *f.args), {**kwargs, **f.keywords})
    if callable(f):
        return f, (), {}
    raise ArgumentError(
        where,
        expected="a function, a method or a module with `__call__`",
        received=f"f={describe(f)}",
        fix="Pass the function itself, not its result.",
    )


def _call_of(cls: Any) -> Callable[..., Any]:
    call: Callable[..., Any] = cls.__call__
    return call


def _taken_apart(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """Take the modules out of what a `functools.partial` holds; the rest stays in the function.

    So a number in it is a number inside the transformation too, as in JAX.
    """
    fixed = {n: value for n, value in enumerate(args) if not has_module(value)}
    named = {name: value for name, value in kwargs.items() if not has_module(value)}
    if fixed or named:
        function = _Filled(function, fixed, named)
    known = tuple(value for n, value in enumerate(args) if n not in fixed)
    return function, known, {k: value for k, value in kwargs.items() if k not in named}


class _Filled:
    """A function that has some of its arguments already; it takes the others in their order."""

    def __init__(
        self, function: Callable[..., Any], fixed: dict[int, Any], named: dict[str, Any]
    ) -> None:
        self.function, self.fixed, self.named = function, fixed, named
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))
        with contextlib.suppress(TypeError, ValueError):  # a builtin has no signature
            signature = inspect.signature(functools.partial(function, **named))
            parameters = enumerate(signature.parameters.values())
            left = [p for n, p in parameters if n not in fixed or p.kind is p.VAR_POSITIONAL]
            self.__signature__ = signature.replace(parameters=left)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        complete = list(args)
        for position, value in self.fixed.items():
            complete.insert(position, value)
        return self.function(*complete, **{**self.named, **kwargs})


class Transform:
    """A function with a transformation around it.

    Args:
        f: what to transform.

    Attributes:
        function: the plain function below.
        args: positional arguments that are already known, such as `self`.
        kwargs: the same by name.
        num_known: how many positional arguments were known when the transformation was made.
        known_names: the names of those that were known by name.
    """

    name = "transform"

    def __init__(self, f: Any) -> None:
        self.function, self.args, self.kwargs = unwrap(self.name, f)
        self.num_known = len(self.args)
        self.known_names = frozenset(self.kwargs)
        named = f if hasattr(f, "__name__") else self.function
        functools.update_wrapper(self, named, updated=())
        self.__wrapped__ = f  # for `inspect.signature`: without what is known already
        self._is_compact = getattr(named, "_is_compact", False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.run((*self.args, *args), {**self.kwargs, **kwargs} if self.kwargs else kwargs)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the transformed function with all its arguments."""
        raise NotImplementedError

    def unbound(self) -> Transform:
        """Return the same transformation without its known arguments, to be given them again.

        A transformation around this one must see the modules among them as arguments of its own.
        """
        if not self.args and not self.kwargs:
            return self
        other = object.__new__(type(self))
        vars(other).update(vars(self), args=(), kwargs={}, __wrapped__=self.function)
        return other

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle what stands under its name in a file, like a function, by that name."""
        name = getattr(self, "__qualname__", "")
        place: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in name.split("."):
            place = getattr(place, part, None)
        return name if place is self else super().__reduce_ex__(protocol)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else BoundTransform(self, instance)

    def __set_name__(self, owner: type, name: str) -> None:
        if name == "__call__":
            self.function = doorway(self.function)

    def __repr__(self) -> str:
        return f"tx.{self.name}({getattr(self, '__qualname__', self.function)})"


class BoundTransform:
    """A transformed method of one module; made anew at each access, like a bound method."""

    __slots__ = ("instance", "transform")

    def __init__(self, transform: Transform, instance: Any) -> None:
        self.transform = transform
        self.instance = instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.transform(self.instance, *args, **kwargs)

    @property
    def __wrapped__(self) -> Any:
        return types.MethodType(self.transform, self.instance)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.transform, name)
        takes_arguments = getattr(value, "_takes_arguments", False)
        return functools.partial(value, self.instance) if takes_arguments else value

    def __reduce__(self) -> Any:
        return BoundTransform, (self.transform, self.instance)

    def __repr__(self) -> str:
        return f"{self.transform!r} of a {type(self.instance).__name__}"


def takes_arguments(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method of a `Transform` that takes the arguments of the function, `self` included."""
    method._takes_arguments = True  # type: ignore[attr-defined]
    return method
