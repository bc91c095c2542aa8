"""The doorway: what happens around every call of a module.

A module's `__call__` is wrapped once, when its class is defined. The wrapper refuses modules that
were not initialised, puts a frame on the stack (so that `next_key` and inline submodules know who
asks), gives errors the path of the module in which they were raised, and lets a dtype policy that
was applied to the module see to its output.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from treexlite._context import FRAME, Frame
from treexlite._core._graph import walk
from treexlite._core._lazy import is_lazy
from treexlite._core._paths import places
from treexlite._errors import NotInitializedError, TreexliteError


class Around:
    """Something in the attribute `dtype_policy` of a module that surrounds the module's calls."""

    def around(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what `call(*args, **kwargs)` is to return."""
        raise NotImplementedError


def doorway(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a `__call__` function; wrapping twice is the same as once."""
    if getattr(call, "_is_doorway", False):
        return call

    @functools.wraps(call)
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        frame = Frame(self, FRAME.get())
        token = FRAME.set(frame)
        try:
            if frame.init is not None:
                frame.init.enter(self)
            elif not getattr(self, "_tx_ready", False):
                check_ready(self)
            around = self.__dict__.get("dtype_policy")
            if isinstance(around, Around):
                output = around.around(call, self, *args, **kwargs)
            else:
                output = call(self, *args, **kwargs)
            if frame.recorder is not None:
                frame.recorder(self, output)
        except Exception as error:
            locate(error, frame)
            raise
        finally:
            FRAME.reset(token)
        return output

    __call__._is_doorway = True  # type: ignore[attr-defined]
    return __call__


def check_ready(module: Any) -> None:
    """Remember that `module` has all its own data, or raise.

    Raises:
        NotInitializedError: with the names of the fields that are missing.
    """
    missing = lazy_fields(module)
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise NotInitializedError(
            type(module).__name__,
            expected="an initialised module",
            received=f"a call while {names} {'is' if len(missing) == 1 else 'are'} not created yet",
            fix="Call `model = model.init(key, inputs)` first, and use the model that it returns.",
        )
    module._tx_ready = True


def lazy_fields(module: Any) -> list[str]:
    """Return the names of the module's own fields that `init` has still to create."""
    missing = [name for name, value in vars(module).items() if is_lazy(value)]
    if type(module)._tx_has_compact and module._tx_modes.compact is None:
        missing.append("(inline submodules)")
    return missing


def path_of(module: Any, frame: Frame) -> str | None:
    """Return the path of `module` below the outermost running module that contains it.

    Transformations run on copies, which are below no module outside. From a copy the path goes on
    at its original; where several could be that, there is a `*` in the path.
    """
    found, top = None, module  # `found` leads from `top` to `module`
    anchor, rest = module, ""  # so does `rest` from `anchor`, which is `module` or an original
    current: Frame | None = frame
    while current is not None:
        root = current.module
        if root is not None:
            path = path_below(root, anchor)
            if path is None and found is not None and top._tx_trace != root._tx_trace:
                original = _original(root, top)
                anchor, rest = (
                    (root, _joined("*", found)) if original is None else (original, found)
                )
                path = path_below(root, anchor)
            if path is not None:
                found, top = _joined(path, rest), root
        current = current.parent
    return found


def _original(root: Any, copy: Any) -> Any:
    """Return the one module in `root` that is built like `copy`, or None."""
    spec = walk(copy).spec
    alike = [inner for inner in (root, *walk(root).modules) if walk(inner).spec is spec]
    return alike[0] if len(alike) == 1 else None


def _joined(path: str, rest: str) -> str:
    return f"{path}/{rest}" if path and rest else path or rest


def path_below(root: Any, module: Any) -> str | None:
    """Return the path of `module` below `root`, or None when it is not there."""
    if root is module:
        return ""
    found = walk(root)
    for number, candidate in enumerate(found.modules, start=1):
        if candidate is module:
            return places(found.spec).modules[number]
    return None


def locate(error: Exception, frame: Frame) -> None:
    """Give `error` the path of the module that raised it; only the innermost module does."""
    if getattr(error, "_located", False):
        return
    try:
        error._located = True  # type: ignore[attr-defined]
        path = path_of(frame.module, frame)
    except Exception:  # an error must not hide the one that the user should see
        return
    if isinstance(error, TreexliteError):
        error.path = error.path or path or None
    else:
        name = type(frame.module).__name__
        error.add_note(f"raised in {name}" + (f" at {path}" if path else ""))
