"""`LambdaCallback`: a callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treexlite._arguments import integer
from treexlite._errors import ArgumentError, describe, unknown_name
from treexlite.callbacks._callback import HOOKS, Callback


class LambdaCallback(Callback):
    """Calls functions at hooks.

    Args:
        on_epoch_begin: called as `f(epoch, logs)`, and so on for each hook of `Callback`.
        on_epoch_end: called as `f(epoch, logs)`.
        on_train_begin: called as `f(logs)`.
        on_train_end: called as `f(logs)`.
        on_train_batch_begin: called as `f(batch, logs)`.
        on_train_batch_end: called as `f(batch, logs)`.
        every_n_steps: how often hooks of batches are called.
        needs_logs: whether those at the end of batches get numbers.
        hooks: functions for the other hooks, by name.

    Raises:
        UnknownNameError: there is no such hook.
        ArgumentError: something is no function.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> x = jnp.linspace(-1, 1, 64)[:, None]
        >>> trainer = tx.Trainer(tx.nn.Linear(1), loss="mse", optimizer="sgd")
        >>> tell = tx.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, *logs))
        >>> history = trainer.fit(x, x, epochs=2, verbose=0, callbacks=[tell])
        0 loss
        1 loss

    Reference:
        As Keras's; there, a misspelt hook is accepted and never called. Batch hooks get `logs` by
        position here.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        *,
        every_n_steps: int = 1,
        needs_logs: bool = True,
        **hooks: Callable[..., Any] | None,
    ) -> None:
        self.every_n_steps = integer("LambdaCallback", "every_n_steps", every_n_steps)
        self.needs_logs = needs_logs
        hooks |= {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in hooks.items():
            if name not in HOOKS:
                raise unknown_name("LambdaCallback", "a hook", name, HOOKS)
            if function is None:
                continue
            if not callable(function):
                raise ArgumentError(
                    "LambdaCallback",
                    expected=f"`{name}` to be a function",
                    received=f"{name}={describe(function)}",
                    fix="Pass for example `on_epoch_end=lambda epoch, logs: print(epoch, logs)`.",
                )
            setattr(self, name, function)
