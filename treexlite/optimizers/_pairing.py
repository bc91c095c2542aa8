"""Gradients and the parameters that they belong to.

In: gradients and parameters in any form: modules, trees, what plain `jax.grad` returns. Out:
`{path: array}` and `{path: FieldInfo}` of what moves. Nothing mutates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import FieldInfo, Parameter, _tree
from treexlite._core._calls import lazy_fields
from treexlite._core._named import canonical_paths, named_infos, named_leaves, with_named
from treexlite._core._paths import join
from treexlite._core._registry import is_module, is_numeric
from treexlite._core._tree import is_differentiable, is_trainable
from treexlite._errors import NotInitializedError, StructureError, describe

_FUNCTIONS = ("value_fn", "loss_fn")
_TREES = ("grad",)


def parameters(params: Any) -> dict[str, FieldInfo]:
    """Return the floating parameters of a module, frozen ones too, or the floats of a tree."""
    return named_infos(params, _is_parameter)


def _is_parameter(info: FieldInfo) -> bool:
    if info.module is not None and not issubclass(info.kind, Parameter):
        return False
    return is_numeric(info.value) and bool(
        jnp.issubdtype(jnp.result_type(info.value), jnp.floating)
    )


def trainable(params: Any) -> dict[str, FieldInfo]:
    """Return those parameters that are not frozen."""
    return named_infos(params, _is_trainable)


def _is_trainable(info: FieldInfo) -> bool:
    return is_differentiable(info) if info.module is None else is_trainable(info)


def paired(
    grads: Any, params: Any, moves: Callable[[FieldInfo], bool]
) -> tuple[dict[str, Any], dict[str, FieldInfo]]:
    """Return gradients, and the parameters that move by them, both by path.

    Args:
        grads: gradients; parameters without one stay.
        params: the parameters; the gradients themselves when there is nothing else.
        moves: which of the trainable parameters move at all.

    Raises:
        StructureError: gradients for paths that are no parameters, of other shapes, or none.
    """
    given: dict[str, Any] = {}
    canonical = canonical_paths(params)
    for path, grad in named_leaves(grads, lambda info: is_numeric(info.value)).items():
        first = canonical(path)  # plain `jax.grad` splits shared modules: their gradients add up
        given[first] = given[first] + grad if first in given else grad
    if grads is params:
        infos = named_infos(params, lambda info: is_numeric(info.value))
    else:
        infos = trainable(params)
        _check(given, named_leaves(params, lambda info: is_numeric(info.value)), list(infos))
    if infos and not given:
        raise StructureError(
            "Optimizer.update",
            expected="gradients of the parameters",
            received=f"grads={describe(grads)}, without any array",
            fix="Pass what `tx.grad` or `tx.value_and_grad` returns.",
        )
    infos = {path: info for path, info in infos.items() if path in given and moves(info)}
    return {path: given[path] for path in infos}, infos


def _check(given: dict[str, Any], known: dict[str, Any], trained: list[str]) -> None:
    wrong = [
        f"{path} ({describe(grad)}, no parameter has that path)"
        if path not in known
        else f"{path} ({describe(grad)}, the parameter has shape {jnp.shape(known[path])})"
        for path, grad in given.items()
        if path not in known or jnp.shape(known[path]) != jnp.shape(grad)
    ]
    if not wrong:
        return
    missing = [path for path in trained if path not in given]
    without = f"; and none for {', '.join(missing)}" if missing else ""
    raise StructureError(
        "Optimizer.update",
        expected="gradients with the paths and shapes of the parameters",
        received=f"gradients at {', '.join(wrong)}{without}",
        fix="Differentiate with respect to the same model that you update.",
    )


def check_initialized(params: Any) -> None:
    """Refuse a model that has no parameters yet.

    Raises:
        NotInitializedError: a field is not created yet.
    """
    for path, module in _tree.modules(params):
        if lazy_fields(module):
            raise NotInitializedError(
                "Optimizer.init",
                expected="an initialised model",
                received=f"one in which `{join(path, lazy_fields(module)[0])}` is not created yet",
                fix="Call `model = model.init(key, inputs)` first.",
            )


def has_module(tree: Any) -> bool:
    """Whether there is a module anywhere in a tree."""
    return any(map(is_module, jax.tree_util.tree_leaves(tree, is_leaf=is_module)))


def named_extra(name: str, value: Any, params: Any) -> Any:
    """Bring an extra argument into the form that optax sees."""
    if name in _FUNCTIONS and callable(value):
        f: Callable[..., Any] = value
        return lambda named, *args, **kwargs: f(with_named(params, named), *args, **kwargs)
    is_tree_of_gradients = name in _TREES or has_module(value)
    if not is_tree_of_gradients:
        return value
    return {path: info.value for path, info in trainable(value).items()}
