"""`TrainState`: all that training changes, as one module.

What flows in: the user's own model, optimizer and metrics. What may mutate: everything in it, by
the steps of a trainer. The state keeps the objects it was given, so what a step changes is changed
in the model that the user holds.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from treexlite._core import Module, Rng, State
from treexlite._core._random import KeyLike, as_key
from treexlite._core._registry import is_numeric
from treexlite._core._write_back import replace_data


class TrainState(Module):
    """Model, optimizer, metrics, a key, and how many steps were made.

    Args:
        model: the module that is trained.
        optimizer: an `Optimizer`, or None when nothing is trained.
        metrics: `{name: Metric}`.
        key: where random numbers of the steps come from: an integer seed or a JAX key. Layers such
            as Dropout have keys of their own.
        step: how many training steps were made before.

    State:
        key: replaced by `next_key`.
        step: how many training steps were made (int32), incremented by each.

    Example:
        >>> import treexlite as tx
        >>> state = tx.TrainState(tx.nn.Linear(1), key=42)
        >>> bool((state.next_key() == state.next_key()).all())
        False
    """

    key: jax.Array = Rng.node()
    step: jax.Array = State.node()

    def __init__(
        self,
        model: Any,
        optimizer: Any = None,
        metrics: Any = None,
        key: KeyLike = 0,
        step: int | jax.Array = 0,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.metrics = {} if metrics is None else metrics
        self.key = as_key("TrainState", key)
        self.step = jnp.asarray(step, jnp.int32)

    def next_key(self) -> jax.Array:
        """Return a new key, and remember that it was given out."""
        keys = jax.random.split(self.key)
        self.key = keys[0]
        return keys[1]


def own(module: Module) -> None:
    """Replace every array below `module` by a copy, so that steps may reuse the memory.

    A compiled step that donates deletes the arrays it was given. Arrays that the user also holds
    (`before = model.state_dict()`, a copy of the model) have to survive, so training starts from
    its own. One field is copied at a time: what nobody else holds is freed on the way.
    """
    replace_data(module, lambda value: jax.tree_util.tree_map(_copied, value))


def _copied(leaf: Any) -> Any:
    if isinstance(leaf, jax.Array):
        return leaf.copy()  # not `device_put`: older versions of JAX share the memory
    return jnp.array(leaf) if is_numeric(leaf) else leaf


def references(module: Module) -> list[tuple[Module, dict[str, Any]]]:
    """Return what every module below `module` holds, to be given back by `restore`."""
    return [(member, dict(vars(member))) for _, member in module.modules()]


def restore(members: list[tuple[Module, dict[str, Any]]]) -> None:
    """Give modules back what they held when `references` was called."""
    for member, held in members:
        for name in set(vars(member)) - set(held):
            delattr(member, name)
        for name, value in held.items():
            if vars(member).get(name) is not value:
                setattr(member, name, value)
