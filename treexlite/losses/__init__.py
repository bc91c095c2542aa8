"""Losses: pure functions from targets and predictions to one value per example, and their objects.

Read `_loss` for how values become one number; each other file holds the formulas of one family.
"""

from treexlite.losses._adversarial import (
    gan_discriminator_loss,
    gan_generator_loss,
    hinge_discriminator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)
from treexlite.losses._binary import BinaryCrossEntropy, binary_cross_entropy
from treexlite.losses._classification import CrossEntropy, cross_entropy
from treexlite.losses._contrastive import Contrastive, contrastive
from treexlite.losses._cosine import CosineSimilarity, cosine_similarity
from treexlite.losses._ctc import CTC, ctc
from treexlite.losses._dice import Dice, dice
from treexlite.losses._divergence import (
    JensenShannonDivergence,
    KLDivergence,
    jensen_shannon_divergence,
    kl_divergence,
)
from treexlite.losses._elbo import (
    NegativeELBO,
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_log_likelihood,
    negative_elbo,
)
from treexlite.losses._focal import (
    BinaryFocalCrossEntropy,
    CategoricalFocalCrossEntropy,
    binary_focal_cross_entropy,
    categorical_focal_cross_entropy,
)
from treexlite.losses._gradient_penalty import gradient_penalty
from treexlite.losses._hinge import Hinge, SquaredHinge, hinge, squared_hinge
from treexlite.losses._info_nce import InfoNCE, info_nce
from treexlite.losses._jaccard import Jaccard, jaccard
from treexlite.losses._likelihood import GaussianNLL, Poisson, gaussian_nll, poisson
from treexlite.losses._loss import Loss
from treexlite.losses._margin import CategoricalHinge, MultiMargin, categorical_hinge, multi_margin
from treexlite.losses._mined_triplet import (
    TripletHard,
    TripletSemiHard,
    triplet_hard,
    triplet_semi_hard,
)
from treexlite.losses._negative_log_likelihood import NegativeLogLikelihood, negative_log_likelihood
from treexlite.losses._nt_xent import NTXent, nt_xent
from treexlite.losses._pairwise_sigmoid import PairwiseSigmoid, pairwise_sigmoid
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
from treexlite.losses._robust import Huber, LogCosh, huber, log_cosh
from treexlite.losses._triplet import Triplet, triplet
from treexlite.losses._tversky import Tversky, tversky

__all__ = [
    "BinaryCrossEntropy",
    "BinaryFocalCrossEntropy",
    "CTC",
    "CategoricalFocalCrossEntropy",
    "CategoricalHinge",
    "Contrastive",
    "CosineSimilarity",
    "CrossEntropy",
    "Dice",
    "GaussianNLL",
    "Hinge",
    "Huber",
    "InfoNCE",
    "Jaccard",
    "JensenShannonDivergence",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "MultiMargin",
    "NTXent",
    "NegativeELBO",
    "NegativeLogLikelihood",
    "PairwiseSigmoid",
    "Poisson",
    "Quantile",
    "SquaredHinge",
    "Triplet",
    "TripletHard",
    "TripletSemiHard",
    "Tversky",
    "bernoulli_log_likelihood",
    "binary_cross_entropy",
    "binary_focal_cross_entropy",
    "categorical_focal_cross_entropy",
    "categorical_hinge",
    "contrastive",
    "cosine_similarity",
    "cross_entropy",
    "ctc",
    "dice",
    "gan_discriminator_loss",
    "gan_generator_loss",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "gaussian_nll",
    "get",
    "gradient_penalty",
    "hinge",
    "hinge_discriminator_loss",
    "huber",
    "info_nce",
    "jaccard",
    "jensen_shannon_divergence",
    "kl_divergence",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "multi_margin",
    "negative_elbo",
    "negative_log_likelihood",
    "nt_xent",
    "pairwise_sigmoid",
    "poisson",
    "quantile",
    "register",
    "squared_hinge",
    "triplet",
    "triplet_hard",
    "triplet_semi_hard",
    "tversky",
    "wasserstein_critic_loss",
    "wasserstein_generator_loss",
]
