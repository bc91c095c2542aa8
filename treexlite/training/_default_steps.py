"""What one step does, unless the user overrides it.

What flows in: the state and one batch. What flows out: numbers to log, or predictions. What may
mutate: the state. `_step` compiles these methods; they are written as if they ran eagerly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from treexlite import constraints
from treexlite._errors import ArgumentError, DataError
from treexlite.losses import Loss
from treexlite.regularizers import Regularizer
from treexlite.regularizers._penalty import terms
from treexlite.training._data import Batch
from treexlite.training._objective import Outcome, call, objective, short_names
from treexlite.training._state import TrainState
from treexlite.transforms import value_and_grad


class DefaultSteps:
    """The methods of `Trainer` that users override.

    Args:
        loss: the loss, or None.
        regularizers: penalties on the parameters of the whole model.
    """

    def __init__(self, loss: Loss | None, regularizers: tuple[Regularizer, ...] = ()) -> None:
        self._loss = loss
        self._regularizers = regularizers

    @property
    def loss(self) -> Loss | None:
        """The loss, or None. It is compiled into the steps, so it cannot be replaced."""
        return self._loss

    @property
    def regularizers(self) -> tuple[Regularizer, ...]:
        """The penalties on the whole model; like the loss, they cannot be replaced."""
        return self._regularizers

    def penalty(self, model: Any) -> jax.Array:
        """Compute what is added to the loss: `regularizers`, and those that layers carry.

        The default steps add it; a `train_step` of your own adds it to its loss by calling this.
        """
        return sum(self._penalties(model), start=jnp.zeros((), jnp.float32))

    def _penalties(self, model: Any) -> Iterator[jax.Array]:
        yield from (regularizer(model) for regularizer in self.regularizers)
        yield from terms(model)

    def loss_fn(self, model: Any, batch: Batch) -> Any:
        """Compute the loss of one batch, without penalties on parameters: they are added to it.

        Args:
            model: the model; what it changes in itself is kept.
            batch: `(x, y, sample_weight)`, None for what was not given.

        Returns:
            The loss and the predictions; or the loss alone, when there are no metrics.
        """
        x, y, sample_weight = batch
        preds = call(model, x)
        if self.loss is None:
            return None, preds
        if y is None and self.loss.reads_target:
            raise DataError(
                "Trainer.loss_fn",
                expected="targets for the loss",
                received="y=None",
                fix="Pass `y`; override `loss_fn` for a loss without targets.",
            )
        return self.loss(y, preds, sample_weight), preds

    def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        """Train on one batch; runs compiled.

        The gradient is that of the loss and all penalties; after the update, what layers carry as
        `constraint` is restored (see `tx.constraints.apply`).

        Args:
            state: what may be changed: `state.model`, `state.optimizer`, `state.metrics`,
                `state.key`. The model is in training mode.
            batch: `(x, y, sample_weight)`, None for what was not given.

        Returns:
            `{name: number}` for this batch. Over an epoch, the mean weighted by the examples is
            logged; but for a name in `state.metrics`, what that metric computes.

        Raises:
            ArgumentError: there is no optimizer, or nothing to minimise.
        """
        if state.optimizer is None:
            raise ArgumentError(
                "Trainer.train_step",
                expected="an optimizer",
                received="optimizer=None",
                fix="Build the trainer with one: `Trainer(model, loss, optimizer='adam')`.",
            )

        def minimised(model: Any) -> tuple[jax.Array, Outcome]:
            loss, outcome = objective(self.loss_fn, model, batch, self._penalties)
            if loss is None:
                raise ArgumentError(
                    "Trainer.train_step",
                    expected="a loss, or a model that writes to `LossLog` fields",
                    received="loss=None",
                    fix="Build the trainer with one: `Trainer(model, loss='mse')`.",
                )
            return loss, outcome

        (loss, outcome), grads = value_and_grad(minimised, has_aux=True)(state.model)
        state.optimizer.update(  # what line searches and plateaus ask for; others ignore it
            grads, state.model, value=loss, grad=grads, value_fn=lambda model: minimised(model)[0]
        )
        constraints.apply(state.model)
        return self._logs(state, batch, loss, outcome)

    def eval_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        """Evaluate one batch; runs compiled. As `train_step`, with the model in evaluation mode."""
        loss, outcome = objective(self.loss_fn, state.model, batch, self._penalties)
        return self._logs(state, batch, loss, outcome)

    def predict_step(self, state: TrainState, batch: Batch) -> Any:
        """Predict for one batch (only `batch.x` is given); runs compiled, in evaluation mode.

        Returns:
            A tree of arrays whose first axes count the examples.
        """
        return call(state.model, batch.x)

    def _logs(
        self, state: TrainState, batch: Batch, loss: jax.Array | None, outcome: Outcome
    ) -> dict[str, Any]:
        logs = {} if loss is None else {"loss": loss}
        if state.metrics and outcome.preds is None:
            raise ArgumentError(
                "Trainer.loss_fn",
                expected="`(loss, preds)` to be returned, because there are metrics",
                received="a loss alone",
                fix="Return the predictions too, or leave `metrics` out.",
            )
        for name, metric in state.metrics.items():
            logs[name] = metric(batch.y, outcome.preds, batch.sample_weight)
        return logs | short_names(outcome.logs, logs)


def has_default_steps(trainer: DefaultSteps) -> bool:
    """Whether targets reach the loss as they are: nothing on their way is overridden."""
    names = ("loss_fn", "train_step", "eval_step")
    return all(getattr(type(trainer), name) is getattr(DefaultSteps, name) for name in names)
