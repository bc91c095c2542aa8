"""The parameters that are meant: kernels, or what a filter says.

In: a module, an array, or a tree of them, and a filter or None. Out: the parameters for which it
holds, those of frozen modules left out, each once however often it is shared. Nothing is mutated.
"""

from __future__ import annotations

from typing import Any

from treexlite._core import _filters, _tree
from treexlite._core._calls import lazy_fields
from treexlite._core._filters import Filter
from treexlite._core._kinds import Parameter
from treexlite._core._paths import FieldInfo, join
from treexlite._core._tree import is_differentiable
from treexlite._errors import NotInitializedError, PathError


def chosen_parameters(where: str, tree: Any, which: Filter | None) -> list[FieldInfo]:
    """Return the floating parameters for which `which` holds, and that are not frozen.

    Args:
        where: the class or function that asks, for errors.
        tree: a module, an array, or any tree. Every floating array outside of modules counts as a
            parameter.
        which: a filter, or None for `is_kernel`.

    Raises:
        NotInitializedError: a module waits for `init`.
        PathError: nothing is chosen, or a path pattern matches nothing; frozen parameters match.
    """
    for path, module in _tree.modules(tree):
        if missing := lazy_fields(module):
            raise NotInitializedError(
                where,
                expected="initialised modules",
                received=f"one in which `{join(path, missing[0])}` is not created yet",
                fix="Call `model = model.init(key, inputs)` first.",
            )
    infos = [info for info in _tree.fields(tree) if _is_parameter(info)]
    if which is not None:
        _filters.check_patterns(where, (which,), infos)
    holds = is_kernel if which is None else _filters.predicate(which)
    chosen = [info for info in infos if holds(info)]
    if not chosen:
        raise _nothing_chosen(where, which, [info.path for info in infos])
    return [info for info in chosen if is_differentiable(info)]


def is_kernel(info: FieldInfo) -> bool:
    """Filter: fields called `kernel` or `..._kernel`, and all data outside of modules."""
    return info.module is None or info.name == "kernel" or info.name.endswith("_kernel")


def _is_parameter(info: FieldInfo) -> bool:
    floating = is_differentiable(info._replace(module=None))  # frozen or not
    return floating and (info.module is None or issubclass(info.kind, Parameter))


def _nothing_chosen(where: str, which: Filter | None, paths: list[str]) -> PathError:
    shown = ", ".join(map(repr, paths[:8])) + (", ..." if len(paths) > 8 else "")
    return PathError(
        where,
        expected="at least one parameter to be chosen"
        + (", by default those called `kernel`" if which is None else f" by which={which!r}"),
        received=f"floating parameters at {shown}" if paths else "no floating parameters",
        fix="Say which are meant, for example `which='**/scale'`; `which='**'` is all of them.",
    )


def attached(module: Any, name: str) -> Any:
    """Return what a module carries in an attribute, from its class if need be, or None.

    Methods and properties are part of what a class does, so they are not it.
    """
    if name in vars(module):
        return vars(module)[name]
    value = getattr(type(module), name, None)
    return None if hasattr(value, "__get__") else value
