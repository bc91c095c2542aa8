"""What one step does, unless the user overrides it.

What flows in: the state and one batch. What flows out: numbers to log, or predictions. What may
mutate: the state. `_step` compiles these methods; they are written as if they ran eagerly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from treexlite import constraints
from treexlite._errors import ArgumentError, DataError
from treexlite.losses import Loss
from treexlite.regularizers import Regularizer
from treexlite.regularizers._penalty import terms
from treexlite.training._accumulate import Part, accumulate, check_splits, counts
from treexlite.training._data import Batch
from treexlite.training._heads import HeadLosses, heads_of, total
from treexlite.training._held import Held
from treexlite.training._measures import Measure, measured
from treexlite.training._mesh import DEFAULT_DEVICE, Placement
from treexlite.training._objective import Outcome, call, objective, short_names
from treexlite.training._state import TrainState
from treexlite.training._trees import as_one, check_weights
from treexlite.transforms import value_and_grad


class DefaultSteps(Held):
    """The methods of `Trainer` that users override.

    Args:
        loss: the loss, the losses of several heads, or None.
        regularizers: penalties on the parameters of the whole model.
        measures: for names in `state.metrics`, what they measure.
        accumulate_steps: into how many parts a training step cuts its batch.
        placement: where training happens.

    Raises:
        ArgumentError: parts of a batch do not add up to its loss.
    """

    def __init__(
        self,
        loss: Loss | HeadLosses | None,
        regularizers: tuple[Regularizer, ...] = (),
        measures: Mapping[str, Measure] | None = None,
        accumulate_steps: int = 1,
        placement: Placement = DEFAULT_DEVICE,
    ) -> None:
        if accumulate_steps > 1:
            check_splits("Trainer", loss)
        self._loss = loss
        self.placement = placement
        self._regularizers = regularizers
        measures = measures or {}
        self._paths = {name: measure.path for name, measure in measures.items()}
        self._places = [head.place for head in heads_of(loss)]
        self._places += [measure.place for measure in measures.values()]
        self._accumulate_steps = accumulate_steps

    @property
    def loss(self) -> Loss | HeadLosses | None:
        """The loss, or None. It is compiled into the steps, so it cannot be replaced."""
        return self._loss

    @property
    def regularizers(self) -> tuple[Regularizer, ...]:
        """The penalties on the whole model; like the loss, they cannot be replaced."""
        return self._regularizers

    @property
    def accumulate_steps(self) -> int:
        """Into how many parts a training step cuts its batch; it cannot be changed, either."""
        return self._accumulate_steps

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
        self._check_batch(batch)
        preds = call(model, batch.x)
        if self.loss is None:
            return None, preds
        return total(self.loss, batch.y, preds, batch.sample_weight), preds

    def train_step(self, state: TrainState, batch: Batch) -> dict[str, Any]:
        """Train on one batch; runs compiled.

        The gradient is that of the loss and all penalties, times the loss scale of the optimizer if
        it has one; after the update, what layers carry as `constraint` is restored (see
        `tx.constraints.apply`). With `accumulate_steps`, the gradient is added up over parts of the
        batch.

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
        optimizer = state.optimizer
        if optimizer is None:
            raise ArgumentError(
                "Trainer.train_step",
                expected="an optimizer",
                received="optimizer=None",
                fix="Build the trainer with one: `Trainer(model, loss, optimizer='adam')`.",
            )
        if self.accumulate_steps == 1:
            loss, outcome, grads = self._gradient(optimizer, state.model, batch)
            logs = self._logs(state, batch, loss, outcome)
        else:
            loss, logs, grads = self._accumulated(state, batch)
        scale = optimizer.loss_scale
        optimizer.update(  # what line searches and plateaus ask for; others ignore it
            grads,
            state.model,
            value=loss,
            grad=grads if scale is None else scale.unscale(grads),
            value_fn=lambda model: self._objective(model, batch)[0],
        )
        constraints.apply(state.model)
        return logs

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

    def _objective(
        self, model: Any, batch: Batch, loss_fn: Any = None, share: float = 1.0
    ) -> tuple[jax.Array, Outcome]:
        """Compute what training makes small.

        Raises:
            ArgumentError: there is nothing.
        """
        loss, outcome = objective(loss_fn or self.loss_fn, model, batch, self._penalties, share)
        if loss is None:
            raise ArgumentError(
                "Trainer.train_step",
                expected="a loss, or a model that writes to `LossLog` fields",
                received="loss=None",
                fix="Build the trainer with one: `Trainer(model, loss='mse')`.",
            )
        return loss, outcome

    def _gradient(
        self, optimizer: Any, model: Any, batch: Batch, loss_fn: Any = None, share: float = 1.0
    ) -> Part:
        """Compute the objective, and its gradient times the loss scale of the optimizer."""

        def scaled(model: Any) -> tuple[jax.Array, tuple[jax.Array, Outcome]]:
            loss, outcome = self._objective(model, batch, loss_fn, share)
            return optimizer.scale_loss(loss), (loss, outcome)

        (_, (loss, outcome)), grads = value_and_grad(scaled, has_aux=True)(model)
        return Part(loss, outcome, grads)

    def _accumulated(
        self, state: TrainState, batch: Batch
    ) -> tuple[jax.Array, dict[str, Any], Any]:
        """Compute the objective, what is logged, and the gradient, part by part."""
        is_own = type(self).loss_fn is not DefaultSteps.loss_fn
        whole = None
        if self.loss is not None and not is_own:
            self._check_batch(batch)
            whole = counts(self.loss, state.model, batch)

        def compute(model: Any, part: Batch, share: float) -> Part:
            part = self.placement.split(part)

            def loss_fn(model: Any, part: Batch) -> Any:
                if whole is None:  # the loss of an unknown formula counts as a mean of examples
                    result = self.loss_fn(model, part)
                    loss, preds = result if isinstance(result, tuple) else (result, None)
                    return (None if loss is None else share * loss), preds
                preds = call(model, part.x)
                return self._share(whole, part, preds), preds

            return self._gradient(state.optimizer, model, part, loss_fn, share)

        def measure(meters: dict[str, Any], part: Batch, preds: Any) -> None:
            part = self.placement.split(part)
            for name, metric in meters.items():
                self._measure(metric.update, name, metric, part, preds)

        meters = {name: metric.copy().reset() for name, metric in state.metrics.items()}
        sums = accumulate(compute, measure, state.model, meters, batch, self.accumulate_steps)
        logs = {"loss": sums.loss}
        for name, meter in meters.items():
            logs[name] = meter.compute()
            state.metrics[name].absorb(meter)
        return sums.loss, logs | short_names(sums.logs, logs), sums.grads

    def _share(self, whole: list[jax.Array], part: Batch, preds: Any) -> jax.Array:
        """Compute what a part of a batch has in the loss of the whole."""
        loss = jnp.zeros((), jnp.float32)
        for head, count in zip(heads_of(self.loss), whole, strict=True):
            value, _ = head.fraction(part.y, preds, part.sample_weight)
            loss = loss + head.weight * (value / count)
        return loss

    def _check_batch(self, batch: Batch) -> None:
        """Refuse a batch without targets for the loss, or with weights for nothing.

        Raises:
            DataError: there are no targets.
            ArgumentError: a part of the weights belongs to no loss and no metric.
        """
        check_weights("Trainer.loss_fn", batch.sample_weight, self._places)
        if batch.y is None and self.loss is not None and self.loss.reads_target:
            raise DataError(
                "Trainer.loss_fn",
                expected="targets for the loss",
                received="y=None",
                fix="Pass `y`; override `loss_fn` for a loss without targets.",
            )

    def _logs(
        self, state: TrainState, batch: Batch, loss: jax.Array | None, outcome: Outcome
    ) -> dict[str, Any]:
        logs = {} if loss is None else {"loss": loss}
        for name, metric in state.metrics.items():
            logs[name] = self._measure(metric, name, metric, batch, outcome.preds)
        return logs | short_names(outcome.logs, logs)

    def _measure(
        self, update: Callable[..., Any], name: str, metric: Any, batch: Batch, preds: Any
    ) -> Any:
        """Call `metric` itself or its `update` on what it measures.

        Raises:
            ArgumentError: there are no predictions.
        """
        if preds is None:
            raise ArgumentError(
                "Trainer.loss_fn",
                expected="`(loss, preds)` to be returned, because there are metrics",
                received="a loss alone",
                fix="Return the predictions too, or leave `metrics` out.",
            )
        inputs = measured(Measure(metric, self._paths.get(name, ())), batch, preds)
        with as_one(f"metric {name!r}", *inputs[:2]):
            return update(*inputs)


def has_default_steps(trainer: DefaultSteps) -> bool:
    """Whether targets reach the loss as they are: nothing on their way is overridden."""
    names = ("loss_fn", "train_step", "eval_step")
    return all(getattr(type(trainer), name) is getattr(DefaultSteps, name) for name in names)
