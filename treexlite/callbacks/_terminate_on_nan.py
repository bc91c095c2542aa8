"""`TerminateOnNaN`: stop when a step is not finite, and say which module made it so."""

from __future__ import annotations

from typing import Any

from treexlite._arguments import integer
from treexlite._errors import NonFiniteError
from treexlite.callbacks._callback import Callback, Logs, Read
from treexlite.callbacks._copies import copied, put_back
from treexlite.callbacks._non_finite import NonFinite, find, loss_is_finite, parameters_are_finite


class TerminateOnNaN(Callback):
    """Stops training at a loss or parameters that are NaN or infinite, and names the culprit.

    The steps since the last look are made again, on a copy of the state before them, until one is
    not finite: then the first module whose output is not, in the order of execution, or the first
    gradient on the way back. The model and the optimizer go back to what they were before that
    step, so that there is something left to save.

    Args:
        every_n_steps: how often to look. A look waits for the device and copies the state, so more
            than 1 is faster; what is found is the same. The batches in between are kept.
        raise_error: raise instead of stopping: `on_train_end` is not called then.
        restore: give the model and the optimizer back what they were before the step; otherwise
            they stay as the step left them.

    Attributes:
        found: a `NonFinite`: `step`, `what`, `path`, `module`; None as long as all is finite.

    Raises:
        ArgumentError: `every_n_steps` is out of range.
        NonFiniteError: with `raise_error`, while training.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> model = tx.nn.Sequential(tx.nn.Linear(4), tx.nn.Lambda(jnp.log), tx.nn.Linear(1))
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(model, loss="mse", optimizer="sgd")
        >>> guard = tx.callbacks.TerminateOnNaN()
        >>> history = trainer.fit(x, x, epochs=9, verbose=0, callbacks=[guard])
        TerminateOnNaN: the loss is nan after step 1: in step 1, the output of Lambda at `layers/1`
        is the first that is not finite. Training stops; the model is as it was before that step.
        >>> guard.found.path, guard.found.module, bool(jnp.isfinite(model.layers[0].kernel).all())
        ('layers/1', 'Lambda', True)

    Reference:
        Keras's stops at the loss of the epoch so far, names the batch, and leaves NaN in the model.
    """

    order = 1  # after what changes learning rates, before what saves

    def __init__(
        self, every_n_steps: int = 1, *, raise_error: bool = False, restore: bool = True
    ) -> None:
        self.every_n_steps = integer("TerminateOnNaN", "every_n_steps", every_n_steps, 1)
        self.raise_error = raise_error
        self.restore = restore
        self.found: NonFinite | None = None
        self._before: Any = None  # the state at the last look
        self._batches: list[Any] = []  # what was trained on since, but for the last dispatch
        self._step = 0  # where the epoch began
        self._watches_parameters = True
        self._has_stopped = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training."""
        self.found, self._has_stopped = None, False
        self._watches_parameters = parameters_are_finite(self.model)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin from here when steps have to be made again."""
        self._step = int(self.trainer.state.step)
        self._remember()

    def on_progress(self, mode: str, done: int, read: Read) -> None:
        """Keep the batches of steps after which no look is due."""
        if mode == "train" and (self._step + done) % self.every_n_steps:
            self._batches += self.trainer.recent_batches()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss and the parameters."""
        is_finite = loss_is_finite(logs or {})
        if is_finite and (not self._watches_parameters or parameters_are_finite(self.model)):
            self._remember()
            return
        self._batches += self.trainer.recent_batches()
        subject = "some parameters are not finite"
        if not is_finite:
            subject = f"the loss is {(logs or {}).get('loss', 'not finite')}"
        self._stop(f"{subject} after step {int(self.trainer.state.step)}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the loss of the epoch too: its last steps may be fewer than `every_n_steps`."""
        if not self._has_stopped and not loss_is_finite(logs or {}):
            self._stop(f"the loss of epoch {epoch + 1} is not finite")

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Let go of the copy."""
        self._before, self._batches = None, []

    def _remember(self) -> None:
        self._before, self._batches = copied(self.trainer.state), []

    def _stop(self, problem: str) -> None:
        self._has_stopped = True
        self.trainer.stop_training = True
        restored = self._search()
        culprit = str(self.found or "it does not happen again when the steps are made again")
        after = "; the model is as it was before that step" if restored else ""
        if self.raise_error:
            raise NonFiniteError(
                "TerminateOnNaN",
                expected="every step to be finite",
                received=f"{problem}: {culprit}",
                fix="Look at that place, at its inputs, and at the learning rate.",
            )
        print(f"TerminateOnNaN: {problem}: {culprit}. Training stops{after}.")

    def _search(self) -> bool:
        """Make the steps again until one is not finite; return whether the model was restored."""
        state = self._before
        for batch in self._batches:
            before = copied(state)
            logs = self.trainer.replay(state, batch)
            is_finite = not self._watches_parameters or parameters_are_finite(state.model)
            if is_finite and loss_is_finite(logs):
                continue
            self.found = find(self.trainer, before, batch)
            if self.restore:
                put_back(self.model, before.model)
                if before.optimizer is not None:
                    put_back(self.trainer.optimizer, before.optimizer)
            return self.restore
        return False
