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
from treexlite.losses._classification import CrossEntropy, cross_entropy
from treexlite.losses._contrastive import Contrastive, contrastive
from treexlite.losses._ctc import CTC, ctc
from treexlite.losses._dice import Dice, dice
from treexlite.losses._elbo import (
    NegativeELBO,
    bernoulli_log_likelihood,
    gaussian_kl,
    gaussian_log_likelihood,
    negative_elbo,
)
from treexlite.losses._gradient_penalty import gradient_penalty
from treexlite.losses._info_nce import InfoNCE, info_nce
from treexlite.losses._jaccard import Jaccard, jaccard
from treexlite.losses._loss import Loss
from treexlite.losses._mined_triplet import (
    TripletHard,
    TripletSemiHard,
    triplet_hard,
    triplet_semi_hard,
)
from treexlite.losses._nt_xent import NTXent, nt_xent
from treexlite.losses._pairwise_sigmoid import PairwiseSigmoid, pairwise_sigmoid
from treexlite.losses._registry import get, register
from treexlite.losses._regression import MeanSquaredError, mean_squared_error
from treexlite.losses._triplet import Triplet, triplet
from treexlite.losses._tversky import Tversky, tversky

__all__ = [
    "CTC",
    "Contrastive",
    "CrossEntropy",
    "Dice",
    "InfoNCE",
    "Jaccard",
    "Loss",
    "MeanSquaredError",
    "NTXent",
    "NegativeELBO",
    "PairwiseSigmoid",
    "Triplet",
    "TripletHard",
    "TripletSemiHard",
    "Tversky",
    "bernoulli_log_likelihood",
    "contrastive",
    "cross_entropy",
    "ctc",
    "dice",
    "gan_discriminator_loss",
    "gan_generator_loss",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "get",
    "gradient_penalty",
    "hinge_discriminator_loss",
    "info_nce",
    "jaccard",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "mean_squared_error",
    "negative_elbo",
    "nt_xent",
    "pairwise_sigmoid",
    "register",
    "triplet",
    "triplet_hard",
    "triplet_semi_hard",
    "tversky",
    "wasserstein_critic_loss",
    "wasserstein_generator_loss",
]
