"""`penalty`: what the regularizers of layers add up to.

What flows in: a module, some of whose submodules carry an attribute `regularizer`. What flows out:
numbers. Nothing is mutated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import _tree
from treexlite._core._chosen import attached
from treexlite._errors import TreexliteError
from treexlite.regularizers._registry import as_regularizers


def penalty(model: Any) -> jax.Array:
    """Compute the sum of the penalties that modules carry in an attribute `regularizer`.

    Any module may: assign `layer.regularizer = tx.regularizers.L2(1e-3)`, at any time, or in the
    `__init__` of a class of your own. It covers the module and all below it (their kernels, or what
    its `which` says, by paths below that module), and adds to the regularizers of other modules:

        penalty(model) = sum of module.regularizer(module) over all modules that have one

    The attribute may also hold a name, a function of one array, or a list of them. Trainers add the
    penalty to the loss by themselves.

    Args:
        model: a module, or a tree of modules. One that is reachable by several paths counts once.

    Returns:
        A number; 0 when no module has a regularizer.

    Raises:
        ArgumentError: an attribute `regularizer` holds something else.
        UnknownNameError: it holds a string that names no regularizer.
        PathError: a module has no such parameters, such as kernels below a `BatchNorm`.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.MLP([2, 1], kernel_init="ones").init(0, jnp.ones((1, 3)))
        >>> model.layers[0].regularizer = tx.regularizers.L2(0.5)
        >>> model.regularizer = "l1"  # 0.01 for each of 8 weights
        >>> round(float(tx.regularizers.penalty(model)), 3)
        3.08

    Reference:
        Keras's `kernel_regularizer=` of a layer; its `layer.losses` are the terms of this sum.
    """
    return sum(terms(model), start=jnp.zeros((), jnp.float32))


def terms(model: Any) -> Iterator[jax.Array]:
    """Return the penalty of each regularizer that a module of `model` carries."""
    for path, module in _tree.modules(model):
        where = f"{type(module).__name__}.regularizer"
        try:
            found = as_regularizers(where, "regularizer", attached(module, "regularizer"))
            for regularizer in found:
                yield regularizer(module)
        except TreexliteError as error:
            error.add_note(f"in the attribute `regularizer` of the module at `{path}`")
            raise
