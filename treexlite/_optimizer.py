"""`Optimizer`: an optax transformation as a module that updates in place.

What flows in: gradients (a module or any tree) and parameters. What flows out: the parameters. What
mutates: `opt_state` and `step` of the optimizer, and the parameters when they are a module.

optax sees parameters as a flat dict `{path: array}`, so masks, `multi_transform` labels and
exclusions from weight decay are written by name: `lambda params: {path: "bias" not in path for path
in params}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import jax
import jax.numpy as jnp
import optax

from treexlite._core import FieldInfo, Module, Nothing, OptState, _tree
from treexlite._core._calls import lazy_fields
from treexlite._core._lazy import is_lazy
from treexlite._core._named import canonical_paths, named_leaves, with_named
from treexlite._core._paths import join
from treexlite._core._registry import is_module, is_numeric
from treexlite._core._tree import is_differentiable, is_trainable
from treexlite._errors import (
    ArgumentError,
    NotInitializedError,
    StructureError,
    describe,
    unknown_name,
)

P = TypeVar("P")
_FUNCTIONS = ("value_fn", "loss_fn")
_TREES = ("grad",)


class Optimizer(Module):
    """Wraps an optax transformation; `update` advances its state and the parameters in place.

    Args:
        optimizer: an `optax.GradientTransformation`, for example `optax.adam(1e-3)`.

    State:
        opt_state: what the transformation remembers; replaced by every `update`.
        step: how many updates were made (int32), incremented by every `update`.

    Raises:
        ArgumentError: `optimizer` is no optax transformation.

    Example:
        >>> import jax.numpy as jnp, optax, treexlite as tx
        >>> params = {"x": jnp.array(4.0)}
        >>> optimizer = tx.Optimizer(optax.sgd(0.5)).init(params)
        >>> params = optimizer.update({"x": jnp.array(2.0)}, params)
        >>> float(params["x"]), int(optimizer.step)
        (3.0, 1)

    Reference:
        optax, https://optax.readthedocs.io: the numbers are those of `optax.apply_updates`.
    """

    opt_state: Any = OptState.node()
    step: jax.Array = OptState.node()

    def __init__(self, optimizer: optax.GradientTransformation) -> None:
        if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
            raise ArgumentError(
                "Optimizer",
                expected="an optax transformation (with `init` and `update`)",
                received=f"optimizer={describe(optimizer)}",
                fix="Pass for example `optax.adam(1e-3)`.",
            )
        self.optimizer = optimizer
        self.paths: tuple[str, ...] = ()

    def init(self, params: Any, inplace: bool = False) -> Self:  # type: ignore[override]  # no key
        """Create the state for the trainable parameters of a module, or for a tree of arrays.

        Args:
            params: a module (its floating, unfrozen `Parameter` fields count) or any tree.
            inplace: change this optimizer instead of returning an initialised copy.

        Returns:
            The initialised optimizer. Parameters that are unfrozen later get their state then.
        """
        optimizer = self if inplace else self.copy()
        named = _trainable(params)
        _check_initialized(params)
        optimizer.opt_state = self.optimizer.init(named)
        optimizer.step = jnp.zeros((), jnp.int32)
        optimizer.paths = tuple(named)
        return optimizer

    def update(  # type: ignore[override]  # a module's `update` merges; an optimizer's steps
        self, grads: Any, params: Any = None, *, apply_updates: bool = True, **extra: Any
    ) -> Any:
        """Make one step.

        Args:
            grads: gradients: a module as `tx.grad` returns it, or a tree like `params`. Parameters
                without a gradient, and frozen ones, keep their value and their optimizer state.
            params: the parameters. A module is changed in place.
            apply_updates: add the updates to the parameters; otherwise they are returned alone.
            extra: passed to transformations that want it (`value=`, `grad=`, `value_fn=`).
                Functions of parameters get them in the form of `params`.

        Returns:
            `params` (the same object when it is a module), or the updates in the form of `params`
            when `apply_updates` is False or `params` is None.

        Raises:
            NotInitializedError: `init` was not called.
            StructureError: gradients for paths that are no parameters, or of other shapes.
        """
        if is_lazy(self.opt_state):
            raise NotInitializedError(
                "Optimizer.update",
                expected="an initialised optimizer",
                received="a call before `init`",
                fix="Call `optimizer = optimizer.init(model)` first.",
            )
        target = grads if params is None else params
        wanted = self._paired(grads, target)
        current = {} if params is None else _trainable(params)
        named_params = {path: current[path] for path in wanted} if current else None
        state = self._state_for(wanted if named_params is None else named_params)
        optimizer = optax.with_extra_args_support(self.optimizer)
        named_extra = {name: _named(name, value, target) for name, value in extra.items()}
        updates, state = optimizer.update(wanted, state, named_params, **named_extra)
        apply_updates = apply_updates and named_params is not None
        result = optax.apply_updates(named_params, updates) if apply_updates else updates
        if tuple(wanted) != self.paths:
            state = _union(self.opt_state, state)
            self.paths = tuple(sorted({*self.paths, *wanted}))
        if apply_updates:
            result = with_named(params, result, inplace=_has_module(params))
        else:
            result = with_named(target, result, rest=Nothing)
        self.opt_state = state
        self.step = self.step + 1
        return result

    def _paired(self, grads: Any, params: Any) -> dict[str, Any]:
        """Return `{path: gradient}` of the parameters that will move, checked against them."""
        given: dict[str, Any] = {}
        canonical = canonical_paths(params)
        for path, grad in named_leaves(grads, lambda info: is_numeric(info.value)).items():
            first = canonical(
                path
            )  # plain `jax.grad` splits shared modules: their gradients add up
            given[first] = given[first] + grad if first in given else grad
        known = named_leaves(params, lambda info: is_numeric(info.value))
        wrong = [
            f"{path} ({describe(grad)})"
            for path, grad in given.items()
            if path not in known or jnp.shape(known[path]) != jnp.shape(grad)
        ]
        if wrong:
            raise StructureError(
                "Optimizer.update",
                expected="gradients with the paths and shapes of the parameters",
                received=f"gradients at {', '.join(wrong)}",
                fix="Differentiate with respect to the same model that you update.",
            )
        trainable = _trainable(params) if params is not grads else given
        if trainable and not given:
            raise StructureError(
                "Optimizer.update",
                expected="gradients of the parameters",
                received=f"grads={describe(grads)}, without any array",
                fix="Pass what `tx.grad` or `tx.value_and_grad` returns.",
            )
        return {path: given[path] for path in sorted(given) if path in trainable}

    def _state_for(self, named: Mapping[str, Any]) -> Any:
        """Return the state restricted to `named`, with new entries for paths not seen before."""
        if tuple(named) == self.paths:
            return self.opt_state
        return _restricted(self.optimizer.init(dict(named)), self.opt_state)


def _check_initialized(params: Any) -> None:
    for path, module in _tree.modules(params):
        if lazy_fields(module):
            raise NotInitializedError(
                "Optimizer.init",
                expected="an initialised model",
                received=f"one in which `{join(path, lazy_fields(module)[0])}` is not created yet",
                fix="Call `model = model.init(key, inputs)` first.",
            )


def _trainable(params: Any) -> dict[str, Any]:
    return named_leaves(params, _is_trainable)


def _is_trainable(info: FieldInfo) -> bool:
    return is_differentiable(info) if info.module is None else is_trainable(info)


def _has_module(tree: Any) -> bool:
    return any(map(is_module, jax.tree_util.tree_leaves(tree, is_leaf=is_module)))


def _named(name: str, value: Any, params: Any) -> Any:
    """Bring an extra argument into the form that optax sees."""
    if name in _FUNCTIONS and callable(value):
        f: Callable[..., Any] = value
        return lambda named, *args, **kwargs: f(with_named(params, named), *args, **kwargs)
    is_tree_of_gradients = name in _TREES or _has_module(value)
    return _trainable(value) if is_tree_of_gradients else value


def _restricted(fresh: Any, old: Any) -> Any:
    """Return `fresh` with the values of `old` wherever both have an entry."""
    if isinstance(fresh, dict) and isinstance(old, dict):
        return {k: _restricted(v, old[k]) if k in old else v for k, v in fresh.items()}
    if isinstance(fresh, tuple) and isinstance(old, tuple) and len(fresh) == len(old):
        return _like(fresh, [_restricted(a, b) for a, b in zip(fresh, old, strict=True)])
    return old


def _union(old: Any, new: Any) -> Any:
    """Return `new` together with the entries that only `old` has."""
    if isinstance(old, dict) and isinstance(new, dict):
        merged = {k: _union(old[k], v) if k in old else v for k, v in new.items()}
        return dict(sorted({**old, **merged}.items()))
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        return _like(new, [_union(a, b) for a, b in zip(old, new, strict=True)])
    return new


def _like(value: Any, items: list[Any]) -> Any:
    return type(value)(*items) if hasattr(value, "_fields") else tuple(items)


_BY_NAME: dict[str, Callable[[float], optax.GradientTransformation]] = {
    "adadelta": optax.adadelta,
    "adafactor": lambda rate: optax.adafactor(rate),
    "adagrad": optax.adagrad,
    "adam": optax.adam,
    "adamax": optax.adamax,
    "adamw": optax.adamw,
    "lamb": optax.lamb,
    "lion": optax.lion,
    "nadam": optax.nadam,
    "rmsprop": optax.rmsprop,
    "sgd": optax.sgd,
}
_RATES = {"sgd": 0.01}


def as_optimizer(where: str, value: Any) -> Optimizer:
    """Return an `Optimizer` for an optimizer, an optax transformation, or a name such as `"adam"`.

    Names have the default learning rates of Keras (0.001; sgd 0.01).

    Raises:
        UnknownNameError: the name is not known; close matches are listed.
    """
    if isinstance(value, Optimizer):
        return value
    if isinstance(value, str):
        name = value.lower()
        if name not in _BY_NAME:
            raise unknown_name(where, "an optimizer", value, _BY_NAME)
        return Optimizer(_BY_NAME[name](_RATES.get(name, 1e-3)))
    return Optimizer(value)
