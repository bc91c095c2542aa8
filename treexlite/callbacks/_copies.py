"""Copies of what training changes, that survive it.

While `fit` runs, each step may reuse the memory of the state's arrays. So whoever looks back, at
the best weights or at the state before a step, copies the arrays, and writes copies back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import jax

from treexlite._core import Log, Module, Not, Rng

M = TypeVar("M", bound=Module)


def copied(module: M) -> M:
    """Return a copy of a module that shares no array with it."""
    return module.map(_copy)


def weights(model: Any) -> dict[str, Any]:
    """Return copies of what a model has learnt: its parameters and running statistics.

    Random keys stay with the model, and so does what it logs; as with Keras's `get_weights`.
    """
    return {path: _copy(value) for path, value in model.state_dict(Not(Rng), Not(Log)).items()}


def set_weights(model: Any, values: Mapping[str, Any]) -> None:
    """Write copies of such values into a model."""
    model.load_state_dict({path: _copy(value) for path, value in values.items()}, strict=False)


def put_back(module: Module, earlier: Module) -> None:
    """Write copies of the data of `earlier`, a copy of `module`, into `module`, in place."""
    Module.update(module, copied(earlier), inplace=True)  # optimizers and metrics have another one


def _copy(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, jax.Array) else leaf
