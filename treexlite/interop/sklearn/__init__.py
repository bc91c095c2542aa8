"""scikit-learn: estimators around the trainer.

What flows in: arrays, data frames, labels of any kind. What flows out: what scikit-learn's
estimators return. What may mutate: an estimator, by its own methods.

`_estimator` has the order of events, `_labels` how labels and scores correspond, `_inputs` what
becomes of features and weights, `_routed` how parameters such as `model__features` are kept.
"""

from treexlite.interop.sklearn._classifier import TrainerClassifier
from treexlite.interop.sklearn._regressor import TrainerRegressor

__all__ = ["TrainerClassifier", "TrainerRegressor"]
