"""`TrainerRegressor`: a network that scikit-learn takes for one of its regressors.

What flows in: features, numbers. What flows out: what scikit-learn's regressors return. What may
mutate: the estimator alone. `_estimator` has the order of events.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from treexlite._errors import ShapeError, describe
from treexlite.interop.sklearn._estimator import TrainerEstimator


class TrainerRegressor(RegressorMixin, TrainerEstimator):  # type: ignore[misc]  # no types
    """A network that predicts numbers, as an estimator of scikit-learn.

    All but the following is as in `TrainerClassifier`. Targets are taken as they are: scale them,
    for example with `sklearn.compose.TransformedTargetRegressor`, when they are far from 0 and 1.

    Args:
        model: as there; it returns one number for each target.
        loss: as there; None is the mean squared error.
        optimizer: as there.
        metrics: as there.
        regularizers: as there.
        callbacks: as there.
        epochs: as there.
        batch_size: as there.
        warm_start: as there.
        random_state: as there.
        verbose: as there.
        options: as there.

    Attributes:
        n_outputs_: how many targets an example has.
        n_features_in_: as there, and so `feature_names_in_`, `history_`, `n_iter_`, `model_` and
            `trainer_`.

    Shapes:
        X: (examples, features), or (examples, ...) for a model that takes such.
        y: (examples,), or (examples, targets).

    Raises:
        UnknownNameError: a keyword is neither a parameter nor begins with the name of a part.

    Example:
        >>> import numpy as np, treexlite as tx
        >>> X = np.linspace(-1, 1, 40)[:, None]
        >>> regressor = tx.TrainerRegressor(
        ...     epochs=100,
        ...     random_state=0,
        ...     model__hidden_layer_sizes=(16, 16),
        ...     optimizer__learning_rate=0.01,
        ... )
        >>> regressor.fit(X, np.sin(3 * X[:, 0])).score(X, np.sin(3 * X[:, 0])) > 0.9
        True

    Reference:
        `sklearn.neural_network.MLPRegressor`, which minimises half of the mean squared error. A
        column of targets, (examples, 1), is predicted as one, as by `LinearRegression`.
    """

    def __init__(
        self,
        model: Any = None,
        loss: Any = None,
        optimizer: Any = "adam",
        metrics: Any = None,
        *,
        regularizers: Any = None,
        callbacks: Any = None,
        epochs: int = 200,
        batch_size: int | str = "auto",
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        **options: Any,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.metrics = metrics
        self.regularizers = regularizers
        self.callbacks = callbacks
        self.epochs = epochs
        self.batch_size = batch_size
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self._accept(options)

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **options: Any) -> Self:
        """Train a new model; with `warm_start`, the one of the last fit.

        Args:
            X: features; all of them are checked to be finite.
            y: numbers.
            sample_weight: how much each example counts: numbers of at least 0.
            options: what `tx.Trainer.fit` takes besides, for this call: `validation_data=(X, y)`,
                `epochs`, `callbacks`, ...

        Returns:
            The estimator.

        Raises:
            ValueError: scikit-learn's, for features or targets that it does not accept.
            DataError: weights are no such numbers, or all 0.
            ShapeError: the model does not return one number per target.
            ArgumentError: a part of the model cannot be built from the parameters.
        """
        return self._fit("TrainerRegressor.fit", X, y, sample_weight, options=options)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on a part of the data; other parts come in other calls.

        Args:
            X: features.
            y: numbers.
            sample_weight: as in `fit`, but taken as they are: a part may weigh more than another.

        Returns:
            The estimator.

        Raises:
            ShapeError: an example has another number of targets than in the first call.
        """
        return self._fit("TrainerRegressor.partial_fit", X, y, sample_weight, in_part=True)

    def predict(self, X: Any) -> np.ndarray:
        """Return what the model predicts, in the shape of the targets of `fit`."""
        outputs = self._outputs(X)
        return outputs.reshape(len(outputs), *self._target_shape)

    def _learn_targets(self, where: str, y: Any, classes: Any, in_part: bool) -> int:
        self._target_shape = y.shape[1:]
        self.n_outputs_ = y.shape[1] if y.ndim == 2 else 1
        return self.n_outputs_

    def _encode(self, where: str, y: Any) -> np.ndarray:
        if y.shape[1:] != self._target_shape:
            raise ShapeError(
                where,
                expected="as many targets as in the first fit, "
                f"shape {('examples', *self._target_shape)}",
                received=f"y={describe(y)}",
                fix="Fit a new estimator for another number of targets.",
            )
        return np.asarray(y, np.float32).reshape(-1, *self._output_shape)

    def _default_loss(self) -> str:
        return "mse"

    def _possible_shapes(self) -> tuple[tuple[int, ...], ...]:
        return ((1,), ()) if self.n_outputs_ == 1 else ((self.n_outputs_,),)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.three_d_array = True
        return tags
