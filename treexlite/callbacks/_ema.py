"""`EMA`: moving averages of the parameters, for evaluation."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._arguments import integer
from treexlite._core._tree import is_trainable
from treexlite.callbacks._arguments import number
from treexlite.callbacks._callback import Callback, Logs


class EMA(Callback):
    """Keeps exponential moving averages of the trained parameters, and evaluates with them.

        average = momentum * average + (1 - momentum) * parameter

    after every `every_n_steps` steps; the first time, the average is the parameter itself. For
    evaluation and prediction the averages take the place of the parameters, which come back after
    it. One small program, compiled once. Running statistics are not averaged.

    So the numbers of a validation are those of the averages. With `swap_on_epoch=True`, so are the
    weights that other callbacks meet after an epoch: `EarlyStopping(restore_best_weights=True)`
    restores, and `ModelCheckpoint(save_weights_only=True)` saves, what was measured. Without it,
    they meet the parameters. A whole training that is saved has both, and goes on to the same bits.

    Inside of the compiled step, and so at no cost per step, the same is an option of the optimizer:
    `tx.Optimizer("adam", ema=0.999)`.

    Args:
        momentum: how much of the average stays, from 0 to below 1. 0.999 looks back over about a
            thousand updates.
        every_n_steps: how many steps there are between updates. More is faster, and asks for a
            smaller momentum.
        swap_at_end: leave the averages in the model when training ends.
        swap_on_epoch: leave the averages in the model from the end of an epoch to the beginning of
            the next one; this callback is the first to hear of both, wherever it stands.

    Attributes:
        averages: `{path: array}`, in float32 at least; empty before the first training. A further
            `fit` of the same trainer goes on from them.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> ema = tx.callbacks.EMA(momentum=0.9, swap_at_end=True)
        >>> history = trainer.fit(x, x, epochs=2, verbose=0, callbacks=[ema])
        >>> bool((trainer.model.kernel == ema.averages["kernel"]).all())
        True

    Reference:
        Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992). Keras
        has `SwapEMAWeights` for an optimizer with `use_ema`; the numbers are the same. There,
        `swap_on_epoch` holds for callbacks behind it in the list, a training that is saved
        meanwhile has lost the parameters, and the averages are in the model when training ends.
    """

    needs_logs = False
    order = -1

    def __init__(
        self,
        momentum: float = 0.99,
        every_n_steps: int = 1,
        *,
        swap_at_end: bool = False,
        swap_on_epoch: bool = False,
    ) -> None:
        self.momentum = number("EMA", "momentum", momentum, above=0.0, below=1.0, closed=True)
        self.every_n_steps = integer("EMA", "every_n_steps", every_n_steps, 1)
        self.swap_at_end, self.swap_on_epoch = swap_at_end, swap_on_epoch
        self._is_between_epochs = False  # and so are the averages in the model
        self.averages: dict[str, jax.Array] = {}
        self._num_updates = 0
        self._own: dict[str, jax.Array] | None = None  # the parameters, while they are out
        self._averaged: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin with the parameters, unless this trainer has averages already."""
        values = self.model.state_dict(is_trainable)
        if self._averaged is not self.trainer or values.keys() != self.averages.keys():
            self.averages = {path: _wide(value) for path, value in values.items()}
            self._num_updates = 0
        self._averaged = self.trainer

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Update the averages; nobody waits for it."""
        momentum = self.momentum if self._num_updates else 0.0
        values = self.model.state_dict(is_trainable)
        values = {path: values[path] for path in self.averages}
        self.averages = _updated(self.averages, values, jnp.float32(momentum))
        self._num_updates += 1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Put the parameters back, if the averages are in their place."""
        self._is_between_epochs = False
        self._swap_out()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Put the averages into the model, if other callbacks are to see them."""
        if self.swap_on_epoch:
            self._swap_in()
            self._is_between_epochs = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the averages in the model, if so wanted."""
        self._is_between_epochs = False
        if self.swap_at_end:
            self._swap_in()
            self._own = None
        self._swap_out()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Put the averages into the model."""
        self._swap_in()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Put the parameters back."""
        self._swap_out()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Put the averages into the model."""
        self._swap_in()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Put the parameters back."""
        self._swap_out()

    def close(self) -> None:
        """Put the parameters back, also after an error in the middle of an evaluation."""
        self._is_between_epochs = False
        self._swap_out()

    def _swap_in(self) -> None:
        if self._own is None and self._num_updates:
            own = self.model.state_dict(is_trainable)
            self._own = {path: own[path] for path in self.averages}
            averages = {
                path: average.astype(self._own[path].dtype, copy=True)
                for path, average in self.averages.items()
            }
            self.model.load_state_dict(averages, strict=False)

    def _swap_out(self) -> None:
        if self._own is not None and not self._is_between_epochs:
            self.model.load_state_dict(self._own, strict=False)
            self._own = None

    def state_dict(self) -> dict[str, Any]:
        """Return the averages, and the parameters while they are out of the model."""
        state = {"averages": dict(self.averages), "num_updates": self._num_updates}
        return {**state, "own": None if self._own is None else dict(self._own)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        averages = {path: jnp.array(value) for path, value in state["averages"].items()}
        self.averages, self._num_updates = averages, int(state["num_updates"])
        own = state.get("own")
        self._own = None if own is None else {path: jnp.array(v) for path, v in own.items()}
        self._is_between_epochs = self._own is not None
        self._averaged = self.trainer


@functools.partial(jax.jit, donate_argnums=0)
def _updated(
    averages: dict[str, jax.Array], values: dict[str, jax.Array], momentum: jax.Array
) -> dict[str, jax.Array]:
    """Return the averages after one update."""
    updated = {}
    for path, average in averages.items():
        weight = momentum.astype(average.dtype)
        kept = jnp.where(weight == 0, 0, weight * average)
        updated[path] = kept + (1 - weight) * values[path].astype(average.dtype)
    return updated


def _wide(value: Any) -> jax.Array:
    return jnp.array(value, jnp.promote_types(jnp.result_type(value), jnp.float32), copy=True)
