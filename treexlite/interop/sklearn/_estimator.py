"""`TrainerEstimator`: what a classifier and a regressor of scikit-learn's kind have in common.

What flows in: parameters, features and targets as scikit-learn's users have them. What flows out:
a fitted estimator. What may mutate: the estimator alone; a model, an optimizer or metrics that were
given are copied by each fit.

The order of events is in `_fit`: validate, encode, weigh, build (unless training goes on), train.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import jax
import numpy as np
from sklearn.base import is_regressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from treexlite import losses
from treexlite._core import Module
from treexlite._errors import ArgumentError, ShapeError, describe
from treexlite.interop.sklearn._inputs import KEPT, narrowed, weights
from treexlite.interop.sklearn._routed import RoutedParameters, takes, without_options
from treexlite.nn import MLP
from treexlite.optimizers import Optimizer
from treexlite.training import History, Trainer
from treexlite.transforms import eval_shape

_AUTO_BATCH = 200  # scikit-learn's
_PREDICTED_AT_ONCE = 1024


def mlp(num_outputs: int, hidden_layer_sizes: int | Sequence[int] = (100,), **options: Any) -> MLP:
    """Build the model of an estimator that is given none: one hidden layer of 100, then relu.

    Args:
        num_outputs: the size of the last layer.
        hidden_layer_sizes: the sizes of the others.
        options: what `tx.nn.MLP` takes by keyword.
    """
    hidden = [hidden_layer_sizes] if isinstance(hidden_layer_sizes, int) else hidden_layer_sizes
    return MLP([*hidden, num_outputs], **options)


class TrainerEstimator(RoutedParameters):
    """Builds a `tx.Trainer` from the parameters of a subclass, and fits it.

    A subclass says how targets are encoded and which outputs of a model fit to them.
    """

    model: Any
    loss: Any
    optimizer: Any
    metrics: Any
    regularizers: Any
    callbacks: Any
    epochs: int
    batch_size: int | str
    warm_start: bool
    random_state: Any
    verbose: int

    trainer_: Trainer
    history_: History
    n_iter_: int
    n_features_in_: int

    def _learn_targets(self, where: str, y: Any, classes: Any, in_part: bool) -> int:
        """Remember what kind of targets these are; return how many outputs a model needs."""
        raise NotImplementedError

    def _encode(self, where: str, y: Any) -> np.ndarray:
        """Return the targets as the loss takes them; what was learned before decides."""
        raise NotImplementedError

    def _default_loss(self) -> str:
        """Return the name of the loss when none was given."""
        raise NotImplementedError

    def _possible_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Return the shapes that the output for one example may have."""
        raise NotImplementedError

    @property
    def model_(self) -> Any:
        """The trained model, a `tx.Module`."""
        check_is_fitted(self, "trainer_")
        return self.trainer_.model

    def _validated(self, X: Any, y: Any, reset: bool) -> tuple[np.ndarray, Any]:
        """Let scikit-learn check data to learn from, and remember or compare names of features."""
        x, y = validate_data(
            self,
            X,
            y,
            reset=reset,
            dtype=KEPT,
            allow_nd=True,
            multi_output=True,
            y_numeric=is_regressor(self),
        )
        return narrowed(x), y

    def _fit(
        self,
        where: str,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        in_part: bool = False,
        classes: Any = None,
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> Self:
        """Fit from the beginning; or go on, for a part of the data or with `warm_start`.

        A new fit that fails leaves the estimator as it was; what an interrupt leaves is trained.
        """
        goes_on = (in_part or self.warm_start) and hasattr(self, "trainer_")
        before = dict(vars(self))
        try:
            x, y = self._validated(X, y, reset=not goes_on)
            class_weight = getattr(self, "class_weight", None)
            weight = weights(where, sample_weight, class_weight, y, rescale=not in_part)
            if not goes_on:
                self._start(where, x, self._learn_targets(where, y, classes, in_part))
            self._train(where, x, self._encode(where, y), weight, in_part, options)
        except Exception:
            if not goes_on:
                self.__dict__.clear()
                self.__dict__.update(before)
            raise
        return self

    def _start(self, where: str, x: np.ndarray, num_outputs: int) -> None:
        """Build the trainer."""
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        model = self._build_model(where, num_outputs)
        shape = _shape_of_output(model, seed, x)
        if shape not in self._possible_shapes():
            accepted = " or ".join(str(("examples", *tail)) for tail in self._possible_shapes())
            other = "no array with one row per example"
            raise ShapeError(
                where,
                expected=f"`model` to return an array of shape {accepted}, as the targets need",
                received=other if shape is None else f"outputs of shape {('examples', *shape)}",
                fix="Change its last layer; a function with an argument `num_outputs` is told.",
            )
        self._output_shape = shape
        self.trainer_ = Trainer(
            model,
            self._build_loss(where),
            self._build_optimizer(where),
            copy.deepcopy(self.metrics),
            regularizers=self.regularizers,
            seed=seed,
        )
        self.n_iter_ = 0

    def _build_model(self, where: str, num_outputs: int) -> Module:
        build, options = mlp if self.model is None else self.model, self.options("model")
        if isinstance(build, Module):
            without_options(where, "model", build, options)
            return copy.deepcopy(build)
        if callable(build):
            if takes(build, "num_outputs"):
                options = {"num_outputs": num_outputs, **options}
            built = build(**options)
            if isinstance(built, Module):
                return built
        else:
            built = build
        raise ArgumentError(
            where,
            expected="`model` to be a `tx.Module`, or a function or class that makes one",
            received=f"model={describe(built)}",
            fix="Pass for example `model=tx.nn.MLP([64, 10])`; None is an MLP.",
        )

    def _build_loss(self, where: str) -> Any:
        value = self._default_loss() if self.loss is None else self.loss
        return _built(where, "loss", value, self.options("loss"), losses.get)

    def _build_optimizer(self, where: str) -> Any:
        value, options = self.optimizer, self.options("optimizer")
        return copy.deepcopy(_built(where, "optimizer", value, options, Optimizer))

    def _train(
        self,
        where: str,
        x: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray | None,
        in_part: bool,
        options: Mapping[str, Any],
    ) -> None:
        """Let the trainer fit more epochs: one for a part of the data."""
        settings = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "verbose": self.verbose,
            "callbacks": self.callbacks,
            **self.options("fit"),
            **options,
        }
        if settings["batch_size"] == "auto":
            settings["batch_size"] = min(_AUTO_BATCH, len(x))
        if settings["callbacks"] is None:
            del settings["callbacks"]
        if "validation_data" in settings:
            settings["validation_data"] = self._held_out(where, settings["validation_data"])
        settings["initial_epoch"] = self.n_iter_
        settings["epochs"] = self.n_iter_ + (1 if in_part else settings["epochs"])
        earlier = self.history_ if in_part and self.n_iter_ else None
        try:
            self.trainer_.fit(x, y, sample_weight=weight, **settings)
        finally:  # what was reached before an interrupt counts as well
            self._remember(earlier)

    def _remember(self, earlier: History | None) -> None:
        """Keep what the trainer has reached; parts continue the history of those before."""
        latest = self.trainer_.history
        new = [epoch for epoch in latest.epoch if epoch >= self.n_iter_]
        self.n_iter_ = max([self.n_iter_, *(epoch + 1 for epoch in new)])
        if earlier is None:
            self.history_ = latest
        elif new:
            earlier.append(new[-1], {name: of[-1] for name, of in latest.history.items()})

    def _held_out(self, where: str, data: Any) -> Any:
        """Return `validation_data` as the trainer takes it."""
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            return data  # which the trainer explains
        x, y = self._validated(data[0], data[1], reset=False)
        return (x, self._encode(where, y), *data[2:])

    def _outputs(self, X: Any) -> np.ndarray:
        """Return the outputs of the model, (examples,) or (examples, outputs)."""
        check_is_fitted(self, "trainer_")
        x = narrowed(validate_data(self, X, reset=False, dtype=KEPT, allow_nd=True))
        size = min(len(x), _PREDICTED_AT_ONCE)
        outputs = self.trainer_.predict(x, batch_size=size, verbose=0)
        return np.asarray(outputs, np.float64)  # scikit-learn's precision for what it computes


def _shape_of_output(model: Module, seed: int, x: np.ndarray) -> tuple[int, ...] | None:
    """Return the shape of the output for one example; None when it is no array of examples."""

    def predict(model: Module, x: jax.Array) -> Any:
        ready = model if model.initialized else model.init(seed, x)
        return ready.eval()(x)

    batch = jax.ShapeDtypeStruct(x.shape, x.dtype)
    shape = getattr(eval_shape(predict, model, batch), "shape", ())
    return tuple(shape[1:]) if shape[:1] == (len(x),) else None


def _built(
    where: str,
    part: str,
    value: Any,
    options: Mapping[str, Any],
    by_name: Callable[..., Any],
) -> Any:
    """Return a part for its name, a part for what builds one with options, or `value` itself."""
    if isinstance(value, str):
        return by_name(value, **options)
    if inspect.isclass(value) or (options and callable(value) and not isinstance(value, Module)):
        return value(**options)
    without_options(where, part, value, options)
    return value
