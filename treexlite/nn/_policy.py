"""Dtype policies: which precision a model computes in, is stored in, and returns.

In: a name such as `"mixed_bfloat16"`. Out: layers whose `dtype` and `param_dtype` say so, either
because they were built inside `with policy(...):`, or because the policy was applied to a model.
What a policy leaves alone: normalisations and whatever else says `keeps_float32`, which store and
sum in float32 whatever is asked (their output follows, unless they say `computes_float32`), and
losses, which do so by themselves.

A layer takes note of the policy when it is built, and not when it is called: what a compiled
function computes must not depend on the block in which it is called.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Self, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from treexlite._core import FieldInfo, Initializer, Module, Parameter
from treexlite._core._calls import Around
from treexlite._core._registry import is_module
from treexlite._errors import ArgumentError, ContextError, describe, unknown_name
from treexlite.nn._arguments import float_dtype, optional_dtype

M = TypeVar("M", bound=Module)

_ENTERED: ContextVar[tuple[Policy, ...]] = ContextVar("treexlite_policies", default=())

# name: (param_dtype, compute_dtype)
_BY_NAME: dict[str, tuple[Any, Any]] = {
    "float64": (jnp.float64, jnp.float64),
    "float32": (jnp.float32, jnp.float32),
    "bfloat16": (jnp.bfloat16, jnp.bfloat16),
    "float16": (jnp.float16, jnp.float16),
    "mixed_bfloat16": (jnp.float32, jnp.bfloat16),
    "mixed_float16": (jnp.float32, jnp.float16),
}


@dataclasses.dataclass(frozen=True)
class Policy(Around):
    """Three dtypes: of parameters, of computation, and of what a model returns.

    Made by `policy`. As a context, `with policy("mixed_bfloat16"):`, it decides for the layers that
    are built inside and not told otherwise; `apply` decides for a model that exists.

    Attributes:
        param_dtype: what parameters are stored in.
        compute_dtype: what layers compute in, and pass on to the next.
        output_dtype: what the floating outputs of the model become; None: what comes out.
    """

    param_dtype: np.dtype[Any]
    compute_dtype: np.dtype[Any]
    output_dtype: np.dtype[Any] | None = None

    def apply(self, model: M, *, inplace: bool = False) -> M:
        """Return `model` with this policy in all its layers.

        Parameters are cast, those that `init` has still to create will be created so, each layer
        computes in `compute_dtype`, also where it was told otherwise, and calls of `model` return
        `output_dtype`. States (running statistics, keys, counters) stay as they are.

        Args:
            model: initialised or not.
            inplace: whether to change `model` itself; else the result shares what did not change.

        Raises:
            ArgumentError: `model` is no module.

        Example:
            >>> import jax.numpy as jnp, treexlite as tx
            >>> model = tx.nn.MLP([8, 2]).init(0, jnp.ones((1, 3)))
            >>> model = tx.nn.policy("mixed_bfloat16", output_dtype="float32").apply(model)
            >>> model.layers[0](jnp.ones((1, 3))).dtype.name, model(jnp.ones((1, 3))).dtype.name
            ('bfloat16', 'float32')
        """
        if not is_module(model):
            raise ArgumentError(
                "Policy.apply",
                expected="a module",
                received=f"model={describe(model)}",
                fix='Pass a layer or a model: `policy("mixed_bfloat16").apply(model)`.',
            )
        cast: M = model.map(self.cast_to_param, Parameter, _is_not_kept)
        target = model.update(cast, inplace=True) if inplace else cast
        for _, module in target.modules():
            self._tell(module)
        target.dtype_policy = self  # the doorway asks for it at each call
        return target

    def cast_to_param(self, tree: Any) -> Any:
        """Cast the floating arrays of a tree to `param_dtype`."""
        return _cast(tree, self.param_dtype)

    def cast_to_compute(self, tree: Any) -> Any:
        """Cast the floating arrays of a tree to `compute_dtype`."""
        return _cast(tree, self.compute_dtype)

    def cast_to_output(self, tree: Any) -> Any:
        """Cast the floating arrays of a tree to `output_dtype`, if there is one."""
        return tree if self.output_dtype is None else _cast(tree, self.output_dtype)

    def __enter__(self) -> Self:
        if self.output_dtype is not None:
            raise ContextError(
                "policy",
                expected="a policy without `output_dtype` in a `with` statement",
                received=f"output_dtype={self.output_dtype}",
                fix="A block does not know which layer is the last. Build the model inside the"
                " block without it, or use `policy(...).apply(model)`.",
            )
        self._begin()
        return self

    def __exit__(self, *error: object) -> None:
        _ENTERED.set(_ENTERED.get()[:-1])

    def around(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a model to which the policy was applied: inline layers follow it too."""
        token = self._begin()
        try:
            output = call(*args, **kwargs)
        finally:
            _ENTERED.reset(token)
        return self.cast_to_output(output)

    def _begin(self) -> Token[tuple[Policy, ...]]:
        return _ENTERED.set((*_ENTERED.get(), self))

    def _tell(self, module: Any) -> None:
        """Write the dtypes into what one module remembers for its calls and for `init`."""
        attributes = vars(module)
        computed = attributes.get("dtype", self.compute_dtype)
        if computed != self.compute_dtype and not getattr(module, "computes_float32", False):
            module.dtype = self.compute_dtype
        if keeps_float32(module):
            return
        if attributes.get("param_dtype", self.param_dtype) != self.param_dtype:
            module.param_dtype = self.param_dtype
        for name, value in list(attributes.items()):
            if type(value) is Initializer and _is_parameter(module, name):
                setattr(module, name, Initializer(_Created(value.f, self.param_dtype)))


def policy(
    name: str | None = None,
    *,
    param_dtype: Any = None,
    compute_dtype: Any = None,
    output_dtype: Any = None,
) -> Policy:
    """Return a dtype policy, to be used as a context or applied to a model.

    | name | parameters | computation |
    |---|---|---|
    | `float32`, `float64`, `bfloat16`, `float16` | as named | as named |
    | `mixed_bfloat16` | float32 | bfloat16 |
    | `mixed_float16` | float32 | float16 |

    Normalisations keep their parameters and statistics in float32 and sum in it; their output has
    the dtype of the computation.

    Args:
        name: one of the table; None: `"float32"`.
        param_dtype: instead of the table's.
        compute_dtype: instead of the table's.
        output_dtype: what a model to which the policy is applied returns. None: what comes out.

    Returns:
        A `Policy`. `with policy(...):` concerns the layers built inside that are given no `dtype`
        and no `param_dtype`, or its default float32; `policy(...).apply(model)` a model.

    Raises:
        UnknownNameError: the name stands for nothing.
        ArgumentError: something is no floating dtype.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> with tx.nn.policy("mixed_bfloat16"):
        ...     model = tx.nn.Linear(2)
        >>> model = model.init(0, jnp.ones((1, 3)))
        >>> model.kernel.dtype.name, model(jnp.ones((1, 3))).dtype.name
        ('float32', 'bfloat16')

    Reference:
        Micikevicius et al., Mixed Precision Training (2018). Names and meaning as in Keras; the
        three dtypes as in DeepMind's jmp.
    """
    if name is not None and name not in _BY_NAME:
        raise unknown_name("policy", "a dtype policy", name, _BY_NAME)
    stored, computed = _BY_NAME[name or "float32"]
    return Policy(
        float_dtype("policy", "param_dtype", stored if param_dtype is None else param_dtype),
        float_dtype(
            "policy", "compute_dtype", computed if compute_dtype is None else compute_dtype
        ),
        optional_dtype("policy", "output_dtype", output_dtype),
    )


def choose_dtypes(layer: Any, dtype: Any, param_dtype: Any) -> None:
    """Set `dtype` and `param_dtype` of a layer that is being built, as its caller or a policy says.

    Raises:
        ArgumentError: one of them is no floating dtype.
    """
    where = type(layer).__name__
    layer.dtype = choose_dtype(where, dtype)
    param_dtype = float_dtype(where, "param_dtype", param_dtype)
    if _ENTERED.get() and param_dtype == jnp.float32 and not keeps_float32(layer):
        param_dtype = _ENTERED.get()[-1].param_dtype
    layer.param_dtype = param_dtype


def choose_dtype(where: str, dtype: Any) -> np.dtype[Any] | None:
    """Return what a layer that is being built computes in, as its caller or a policy says.

    Raises:
        ArgumentError: it is no floating dtype.
    """
    dtype = optional_dtype(where, "dtype", dtype)
    entered = _ENTERED.get()
    return entered[-1].compute_dtype if dtype is None and entered else dtype


def keeps_float32(module: Any) -> bool:
    """Whether the class of a module says that its own data stays in float32."""
    return getattr(type(module), "keeps_float32", False) is True


@dataclasses.dataclass(frozen=True)
class _Created:
    """The function of an `Initializer`, with another dtype for what it creates."""

    f: Callable[[jax.Array], Any]
    dtype: np.dtype[Any]

    def __call__(self, key: jax.Array) -> Any:
        return _cast(self.f(key), self.dtype)


def _is_parameter(module: Any, name: str) -> bool:
    declared = type(module)._tx_fields.metadata.get(name)
    return (
        declared is not None and declared.kind is not None and issubclass(declared.kind, Parameter)
    )


def _is_not_kept(info: FieldInfo) -> bool:
    return not keeps_float32(info.module)


def _cast(tree: Any, dtype: np.dtype[Any]) -> Any:
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if _is_floating(leaf) else leaf, tree)


def _is_floating(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)
