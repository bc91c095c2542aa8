"""`Weakly`: a method that does not keep its object alive, to be compiled.

In: a bound method. Out: a function that calls it. Nothing is mutated. JAX keeps the function below
a compiled one where the garbage collector does not look. An object that holds a compiled method of
its own would be a cycle that lives forever, with all arrays in it.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any


class Weakly:
    """Calls a method of an object, as long as somebody else holds that object.

    Args:
        method: the bound method.
    """

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method: Any = weakref.WeakMethod(method)
        self.__name__, self.__qualname__ = method.__name__, method.__qualname__
        self.__doc__, self.__module__ = method.__doc__, method.__module__
        self.__signature__ = inspect.signature(method)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._method()(*args, **kwargs)

    def __reduce__(self) -> Any:
        return Weakly, (self._method(),)
