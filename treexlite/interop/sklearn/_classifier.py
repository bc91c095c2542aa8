"""`TrainerClassifier`: a network that scikit-learn takes for one of its classifiers.

What flows in: features, labels of any kind. What flows out: what scikit-learn's classifiers return.
What may mutate: the estimator alone.

`_estimator` has the order of events, `_labels` how labels and scores correspond.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from treexlite._errors import ArgumentError
from treexlite.interop.sklearn import _labels
from treexlite.interop.sklearn._estimator import TrainerEstimator
from treexlite.losses import Loss


def _gives_probabilities(estimator: Any) -> bool:
    """Whether scores can be read as probabilities: those of margins and the like cannot."""
    loss = estimator.loss
    if isinstance(loss, str) and hasattr(estimator, "trainer_"):
        loss = estimator.trainer_.loss
    kind = loss if isinstance(loss, type) else type(loss)
    return not issubclass(kind, Loss) or hasattr(loss, "from_logits")


class TrainerClassifier(ClassifierMixin, TrainerEstimator):  # type: ignore[misc]  # no types
    """A network that classifies, as an estimator of scikit-learn: `fit`, `predict`, `score`.

    `fit` builds a `tx.Trainer` from the parameters and trains it. The estimator works in pipelines,
    searches and cross-validation; it can be cloned, copied and pickled, fitted or not. What it is
    given (a model, an optimizer, metrics) is copied first, and so never changed.

    Parameters that begin with `model__`, `loss__`, `optimizer__` or `fit__` belong to that part:
    `model__features=64` is passed to a function that builds the model, `optimizer__learning_rate`
    to the optimizer, `fit__validation_split=0.1` to `tx.Trainer.fit`. `set_params` and searches
    take them too.

    Args:
        model: a module, or a function (or class) that returns one. If the function has an argument
            `num_outputs`, it is told the number of classes. The model returns one logit per class;
            for two classes a single one, of the second class, will do. None is `tx.nn.MLP` with
            `model__hidden_layer_sizes=(100,)` and what else `model__...` says.
        loss: as in `tx.Trainer`. None is cross-entropy, binary for a single logit and for several
            labels. Give `loss__from_logits=False` to a model that returns probabilities.
        optimizer: as in `tx.Trainer`, or a function or class that is called with `optimizer__...`.
        metrics: as in `tx.Trainer`; they appear in `history_`.
        regularizers: as in `tx.Trainer`.
        callbacks: as in `tx.Trainer.fit`; the same objects in each fit, until they are cloned.
        class_weight: None, `{label: weight}`, or "balanced": inversely proportional to how often a
            class occurs.
        epochs: how many times `fit` goes over the data.
        batch_size: examples for one step; "auto" is 200, or all when there are fewer.
        warm_start: whether `fit` trains on from where the last one stopped.
        random_state: decides the seed of the trainer: an integer, a `numpy.random.RandomState`, or
            None for another seed each time.
        verbose: as in `tx.Trainer.fit`, but silent by default.
        options: parameters of the parts, as said above.

    Attributes:
        classes_: the labels, sorted; the numbers of the columns for several labels.
        n_features_in_: the number of features.
        feature_names_in_: their names, when `X` was a data frame whose columns have names.
        history_: the `tx.History` of the last `fit`, or of all `partial_fit` since then.
        n_iter_: how many epochs were made.
        model_: the trained model.
        trainer_: the `tx.Trainer`.

    Shapes:
        X: (examples, features), or (examples, ...) for a model that takes such.
        y: (examples,) of any labels; or (examples, labels) of 0 and 1, for several labels each.

    Raises:
        UnknownNameError: a keyword is neither a parameter nor begins with the name of a part.

    Example:
        >>> import treexlite as tx
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> X, y = load_iris(return_X_y=True)
        >>> classifier = tx.TrainerClassifier(optimizer__learning_rate=0.01, random_state=0)
        >>> pipeline = make_pipeline(StandardScaler(), classifier).fit(X, y)
        >>> bool(pipeline.score(X, y) > 0.9), pipeline.predict_proba(X[:2]).shape
        (True, (2, 3))

    Reference:
        `sklearn.neural_network.MLPClassifier`, whose names and defaults ours are where both have
        them. It has one logistic output for two classes, adds 1e-4 of L2 (`alpha`), and stops when
        the loss no longer improves; here a callback decides that. It trains in the precision of
        `X`, we in float32, and return float64. Weights of examples are divided by their mean over
        the whole data (not over each batch), so that an example of weight 2 counts as two, and
        their scale is no matter. Sparse matrices are refused.
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
        class_weight: Any = None,
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
        self.class_weight = class_weight
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
            y: labels.
            sample_weight: how much each example counts: numbers of at least 0.
            options: what `tx.Trainer.fit` takes besides, for this call: `validation_data=(X, y)`,
                `epochs`, `callbacks`, ...

        Returns:
            The estimator.

        Raises:
            ValueError: scikit-learn's, for features or targets that it does not accept.
            DataError: there is one class only, or weights are no such numbers or all 0.
            RangeError: with `warm_start` or `validation_data`, a label is none of `classes_`.
            ShapeError: the model does not return one number per class.
            ArgumentError: a part of the model cannot be built from the parameters.
        """
        return self._fit("TrainerClassifier.fit", X, y, sample_weight, options=options)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on a part of the data; other parts come in other calls.

        Args:
            X: features.
            y: labels.
            classes: all labels that will ever come; needed in the first call (not for a matrix of
                several labels).
            sample_weight: as in `fit`, but taken as they are: a part may weigh more than another.

        Returns:
            The estimator.

        Raises:
            ArgumentError: `classes` is missing, or `class_weight` is "balanced".
            RangeError: a label is none of `classes_`.
        """
        where = "TrainerClassifier.partial_fit"
        if isinstance(self.class_weight, str):
            raise ArgumentError(
                where,
                expected="`class_weight` to be a dict or None, because all data are not known",
                received="class_weight='balanced'",
                fix="Pass `{label: weight}`; "
                "`sklearn.utils.class_weight.compute_class_weight` computes it.",
            )
        return self._fit(where, X, y, sample_weight, in_part=True, classes=classes)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most likely label of each example; for several labels, 0 and 1 for each."""
        logits = self._logits(X)
        return self._labels.decide(logits)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the logits; for two classes one number per example, above 0 for the second."""
        logits = self._logits(X)
        return self._labels.decision(logits)

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]  # no types
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class, or of each label when there are several.

        There is no such method for a loss whose scores are no logits, as a hinge loss. Those of a
        function are taken for logits.
        """
        logits = self._logits(X)
        return self._labels.probabilities(logits)

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]  # no types
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the log of `predict_proba`, exact where that rounds to 0."""
        logits = self._logits(X)
        return self._labels.log_probabilities(logits)

    def _logits(self, X: Any) -> np.ndarray:
        scores = self._outputs(X)
        scores = scores[:, None] if scores.ndim == 1 else scores
        if getattr(self.trainer_.loss, "from_logits", True):
            return scores
        exclusive = scores.shape[-1] > 1 and not self._labels.is_multilabel
        return _labels.as_logits(scores, exclusive=exclusive)

    def _learn_targets(self, where: str, y: Any, classes: Any, in_part: bool) -> int:
        found, is_multilabel = _labels.read(where, y)
        if in_part and classes is None and not is_multilabel:
            raise ArgumentError(
                where,
                expected="`classes` in the first call, because later ones may bring other labels",
                received="classes=None",
                fix="Pass all labels, for example `classes=numpy.unique(y_of_all_data)`.",
            )
        if classes is not None and not is_multilabel:
            found = np.asarray(classes)
        self._labels = _labels.Labels.found_in(where, found, is_multilabel)
        self.classes_ = self._labels.classes
        return len(self.classes_)

    def _encode(self, where: str, y: Any) -> np.ndarray:
        codes = self._labels.encode(where, *_labels.read(where, y))
        is_unit = not self._labels.is_multilabel and self._output_shape in ((), (1,))
        return codes.reshape(-1, *self._output_shape) if is_unit else codes

    def _default_loss(self) -> str:
        one_each = self._labels.is_multilabel or self._output_shape in ((), (1,))
        return "binary_crossentropy" if one_each else "crossentropy"

    def _possible_shapes(self) -> tuple[tuple[int, ...], ...]:
        count = len(self.classes_)
        is_binary = count == 2 and not self._labels.is_multilabel
        return ((count,), (1,), ()) if is_binary else ((count,),)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.input_tags.three_d_array = True
        return tags
