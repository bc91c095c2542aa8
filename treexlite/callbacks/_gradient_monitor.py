"""`GradientMonitor`: how long gradients are, for each module or parameter."""

from __future__ import annotations

import math
import warnings
from typing import Any

import jax
import jax.numpy as jnp

from treexlite._arguments import integer
from treexlite._core._registry import is_numeric
from treexlite._errors import TreexliteWarning
from treexlite.callbacks._arguments import choice, number
from treexlite.callbacks._callback import Callback, Logs

_NAME = "gradient_norm"


class GradientMonitor(Callback):
    """Measures the norms of gradients after every so many steps.

    A norm is the square root of the sum of squares over all parameters of a module (of its own, not
    of those below it). The gradient is that of the objective, for the batch that was last trained
    on, at the parameters after it; so a look costs as much as a step.

    Args:
        every_n_steps: how many steps there are between looks.
        per: `"module"`, `"parameter"`, or None for the norm of all gradients alone.
        log_parts: log the norms of the parts too, as `gradient_norm/<path>`; the norm of all is
            always logged, as `gradient_norm`. What is logged is the mean over the epoch.
        max_norm: warn, once for each part and training, when a norm is above that or not finite.

    Attributes:
        history: `{"step": [...], "gradient_norm": [...], "gradient_norm/<path>": [...]}`, one entry
            for each look.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.MLP([8, 1]), loss="mse", optimizer="sgd")
        >>> monitor = tx.callbacks.GradientMonitor(every_n_steps=2)
        >>> history = trainer.fit(x, x, epochs=3, verbose=0, callbacks=[monitor])
        >>> list(monitor.history), monitor.history["step"]
        (['step', 'gradient_norm', 'gradient_norm/layers/0', 'gradient_norm/layers/1'], [2, 4, 6])
        >>> list(history.history)
        ['loss', 'gradient_norm']
    """

    needs_logs = False
    adds = (_NAME,)

    def __init__(
        self,
        every_n_steps: int = 100,
        per: str | None = "module",
        *,
        log_parts: bool = False,
        max_norm: float | None = None,
    ) -> None:
        where = "GradientMonitor"
        self.every_n_steps = integer(where, "every_n_steps", every_n_steps, 1)
        self.per = choice(where, "per", per, ("module", "parameter", None))
        self.log_parts = log_parts
        self.max_norm = None if max_norm is None else number(where, "max_norm", max_norm, above=0.0)
        self.history: dict[str, list[Any]] = {"step": [], _NAME: []}
        self._first = 0  # where the entries of this epoch begin
        self._warned: set[str] = set()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training."""
        self.history, self._warned = {"step": [], _NAME: []}, set()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take note of where the epoch begins."""
        self._first = len(self.history["step"])

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Take the gradient of the last batch, and measure it."""
        gradients = self.trainer.gradients(self.trainer.recent_batches()[-1])
        norms = jax.device_get(_norms(self._groups(gradients)))
        step = int(self.trainer.state.step)
        self.history["step"].append(step)
        for name, norm in norms.items():
            self.history.setdefault(name, []).append(float(norm))
            self._check(name, float(norm), step)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the means of the epoch."""
        if logs is None or self._first == len(self.history["step"]):
            return
        for name, norms in self.history.items():
            if name == _NAME or (self.log_parts and name != "step"):
                recent = norms[self._first :]
                logs[name] = math.fsum(recent) / len(recent)

    def _groups(self, gradients: Any) -> dict[str, list[Any]]:
        """Return the gradients that belong to each norm, that of all first."""
        places = {id(member): path for path, member in gradients.modules()}
        infos = [info for info in gradients.fields() if is_numeric(info.value)]
        groups: dict[str, list[Any]] = {_NAME: [info.value for info in infos]}
        for info in infos:
            if self.per is not None:
                path = info.path if self.per == "parameter" else places[id(info.module)]
                groups.setdefault(f"{_NAME}/{path}" if path else f"{_NAME}/.", []).append(
                    info.value
                )
        return groups

    def _check(self, name: str, norm: float, step: int) -> None:
        if self.max_norm is None or norm <= self.max_norm or name in self._warned:
            return
        self._warned.add(name)
        warnings.warn(
            f"GradientMonitor: {name} is {norm:.4g} after step {step}, above max_norm ="
            f" {self.max_norm:g}; `tx.Optimizer(..., clip_norm=...)` limits it",
            TreexliteWarning,
            stacklevel=2,
        )


@jax.jit
def _norms(groups: dict[str, list[jax.Array]]) -> dict[str, jax.Array]:
    return {name: _norm(arrays) for name, arrays in groups.items()}


def _norm(arrays: list[jax.Array]) -> jax.Array:
    """Return the root of the sum of squares; large entries do not overflow."""
    wide = [a.astype(jnp.promote_types(a.dtype, jnp.float32)) for a in arrays if a.size]
    if not wide:
        return jnp.zeros(())
    largest = jnp.max(jnp.stack([jnp.max(jnp.abs(array)) for array in wide]))
    scale = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1)
    total = jnp.sum(jnp.stack([jnp.sum((array / scale) ** 2) for array in wide]))
    return scale * jnp.sqrt(total)
