"""`apply`: the constraints that layers carry, restored.

What flows in: a module, some of whose submodules carry an attribute `constraint`. What flows out:
the same module. What mutates: the parameters that are constrained and not frozen, in place.
"""

from __future__ import annotations

from typing import TypeVar

import jax

from treexlite._core import _tree
from treexlite._core._chosen import attached, chosen_parameters
from treexlite._core._named import with_named
from treexlite._errors import TreexliteError
from treexlite.constraints._constraint import Constraint
from treexlite.constraints._registry import as_constraints

T = TypeVar("T")


def apply(model: T) -> T:
    """Make the parameters of `model` what the constraints of its modules say, in place.

    Any module may carry one: assign `layer.constraint = tx.constraints.MaxNorm(2.0)`, at any time,
    or in the `__init__` of a class of your own. It covers the module and all below it (their
    kernels, or what its `which` says, by paths below that module). The attribute may also hold a
    name, a function of one array, or a list of them, applied in order. Those of inner modules come
    before those of outer ones, so that an outer one has the last word.

    Call it after `optimizer.update(grads, model)`; trainers do so by themselves. Initial values are
    not constrained before the first update, unless you call it. When no module carries a
    constraint, nothing is computed.

    Args:
        model: a module, or a tree of modules. One that is reachable by several paths is constrained
            once. Parameters of frozen modules stay as they are.

    Returns:
        `model`, the same object. It is unchanged when an error is raised.

    Raises:
        ArgumentError: an attribute `constraint` holds something else.
        UnknownNameError: it holds a string that names no constraint.
        PathError: a module has no such parameters, such as kernels below a `BatchNorm`.
        NotInitializedError: a module with a constraint waits for `init`.
        CapturedModuleError: the model was not passed into the function that is traced.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.MLP([2, 1], kernel_init="ones").init(0, jnp.ones((1, 4)))
        >>> model.layers[0].constraint = tx.constraints.MaxNorm(1.0)
        >>> tx.constraints.apply(model) is model
        True
        >>> [layer.kernel[0].tolist() for layer in model.layers]
        [[0.5, 0.5], [1.0]]

    Reference:
        Keras's `kernel_constraint=` of a layer.
    """
    if any(_own_constraints(path, module) for path, module in _tree.modules(model)):
        constrained = _tree.copy(model)
        for path, module in reversed(list(_tree.modules(constrained))):
            for constraint in _own_constraints(path, module):
                _constrain(path, module, constraint)
        pairs = zip(_tree.fields(model), _tree.fields(constrained), strict=True)
        changed = {old.path: new.value for old, new in pairs if new.value is not old.value}
        with_named(model, changed, inplace=True)
    return model


def _own_constraints(path: str, module: object) -> tuple[Constraint, ...]:
    where = f"{type(module).__name__}.constraint"
    try:
        return as_constraints(where, "constraint", attached(module, "constraint"))
    except TreexliteError as error:
        error.add_note(f"in the attribute `constraint` of the module at `{path}`")
        raise


def _constrain(path: str, module: object, constraint: Constraint) -> None:
    allowed: dict[str, jax.Array] = {}
    try:
        for info in chosen_parameters(type(constraint).__name__, module, constraint.which):
            allowed[info.path] = constraint(info.value)
    except TreexliteError as error:
        error.add_note(f"in the attribute `constraint` of the module at `{path}`")
        raise
    with_named(module, allowed, inplace=True)
