"""Losses: pure functions from targets and predictions to one value per example, and their objects.

Read `_loss` for how values become one number; each other file holds the formulas of one family.
"""

from treexlite.losses._binary import BinaryCrossEntropy, binary_cross_entropy
from treexlite.losses._classification import CrossEntropy, cross_entropy
from treexlite.losses._cosine import CosineSimilarity, cosine_similarity
from treexlite.losses._divergence import (
    JensenShannonDivergence,
    KLDivergence,
    jensen_shannon_divergence,
    kl_divergence,
)
from treexlite.losses._focal import (
    BinaryFocalCrossEntropy,
    CategoricalFocalCrossEntropy,
    binary_focal_cross_entropy,
    categorical_focal_cross_entropy,
)
from treexlite.losses._hinge import (
    Hinge,
    SquaredHinge,
    hinge,
    squared_hinge,
)
from treexlite.losses._likelihood import (
    GaussianNLL,
    Poisson,
    gaussian_nll,
    poisson,
)
from treexlite.losses._loss import Loss
from treexlite.losses._margin import (
    CategoricalHinge,
    MultiMargin,
    categorical_hinge,
    multi_margin,
)
from treexlite.losses._negative_log_likelihood import NegativeLogLikelihood, negative_log_likelihood
from treexlite.losses._quantile import Quantile, quantile
from treexlite.losses._registry import get, register
from treexlite.losses._regression import (
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from treexlite.losses._robust import (
    Huber,
    LogCosh,
    huber,
    log_cosh,
)

__all__ = [
    "BinaryCrossEntropy",
    "BinaryFocalCrossEntropy",
    "CategoricalFocalCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "CrossEntropy",
    "GaussianNLL",
    "Hinge",
    "Huber",
    "JensenShannonDivergence",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "MultiMargin",
    "NegativeLogLikelihood",
    "Poisson",
    "Quantile",
    "SquaredHinge",
    "binary_cross_entropy",
    "binary_focal_cross_entropy",
    "categorical_focal_cross_entropy",
    "categorical_hinge",
    "cosine_similarity",
    "cross_entropy",
    "gaussian_nll",
    "get",
    "hinge",
    "huber",
    "jensen_shannon_divergence",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "multi_margin",
    "negative_log_likelihood",
    "poisson",
    "quantile",
    "register",
    "squared_hinge",
]
