"""Losses by name, for places that take a string, such as `Trainer(model, loss="crossentropy")`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treexlite._names import Registry
from treexlite.losses._binary import BinaryCrossEntropy
from treexlite.losses._classification import CrossEntropy
from treexlite.losses._contrastive import Contrastive
from treexlite.losses._cosine import CosineSimilarity
from treexlite.losses._ctc import CTC
from treexlite.losses._dice import Dice
from treexlite.losses._divergence import JensenShannonDivergence, KLDivergence
from treexlite.losses._elbo import NegativeELBO
from treexlite.losses._focal import BinaryFocalCrossEntropy, CategoricalFocalCrossEntropy
from treexlite.losses._hinge import Hinge, SquaredHinge
from treexlite.losses._info_nce import InfoNCE
from treexlite.losses._jaccard import Jaccard
from treexlite.losses._likelihood import GaussianNLL, Poisson
from treexlite.losses._loss import Loss
from treexlite.losses._margin import CategoricalHinge, MultiMargin
from treexlite.losses._mined_triplet import TripletHard, TripletSemiHard
from treexlite.losses._negative_log_likelihood import NegativeLogLikelihood
from treexlite.losses._nt_xent import NTXent
from treexlite.losses._pairwise_sigmoid import PairwiseSigmoid
from treexlite.losses._quantile import Quantile
from treexlite.losses._regression import (
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
)
from treexlite.losses._robust import Huber, LogCosh
from treexlite.losses._triplet import Triplet
from treexlite.losses._tversky import Tversky

REGISTRY: Registry[Loss] = Registry(
    "losses",
    "a loss",
    {
        "bce": BinaryCrossEntropy,
        "binary_cross_entropy": BinaryCrossEntropy,
        "binary_crossentropy": BinaryCrossEntropy,
        "binary_focal_cross_entropy": BinaryFocalCrossEntropy,
        "binary_focal_crossentropy": BinaryFocalCrossEntropy,
        "categorical_crossentropy": CrossEntropy,
        "categorical_focal_cross_entropy": CategoricalFocalCrossEntropy,
        "categorical_focal_crossentropy": CategoricalFocalCrossEntropy,
        "categorical_hinge": CategoricalHinge,
        "contrastive": Contrastive,
        "cosine_similarity": CosineSimilarity,
        "cross_entropy": CrossEntropy,
        "crossentropy": CrossEntropy,
        "ctc": CTC,
        "dice": Dice,
        "elbo": NegativeELBO,
        "gaussian_nll": GaussianNLL,
        "hinge": Hinge,
        "huber": Huber,
        "info_nce": InfoNCE,
        "infonce": InfoNCE,
        "iou": Jaccard,
        "jaccard": Jaccard,
        "jensen_shannon_divergence": JensenShannonDivergence,
        "jsd": JensenShannonDivergence,
        "kl_divergence": KLDivergence,
        "kld": KLDivergence,
        "l1": MeanAbsoluteError,
        "log_cosh": LogCosh,
        "logcosh": LogCosh,
        "mae": MeanAbsoluteError,
        "mape": MeanAbsolutePercentageError,
        "mean_absolute_error": MeanAbsoluteError,
        "mean_absolute_percentage_error": MeanAbsolutePercentageError,
        "mean_squared_error": MeanSquaredError,
        "mean_squared_logarithmic_error": MeanSquaredLogarithmicError,
        "mse": MeanSquaredError,
        "msle": MeanSquaredLogarithmicError,
        "multi_margin": MultiMargin,
        "negative_elbo": NegativeELBO,
        "negative_log_likelihood": NegativeLogLikelihood,
        "nll": NegativeLogLikelihood,
        "nt_xent": NTXent,
        "ntxent": NTXent,
        "pairwise_sigmoid": PairwiseSigmoid,
        "pinball": Quantile,
        "poisson": Poisson,
        "quantile": Quantile,
        "siglip": PairwiseSigmoid,
        "sparse_categorical_crossentropy": CrossEntropy,
        "squared_hinge": SquaredHinge,
        "triplet": Triplet,
        "triplet_hard": TripletHard,
        "triplet_semi_hard": TripletSemiHard,
        "tversky": Tversky,
    },
)


def get(name: str, **options: Any) -> Loss:
    """Return a new loss.

    Args:
        name: the name of a loss in snake case, that of its class, or the one that Keras has for it.
            A name is the loss, never its options: cross-entropy takes logits under each of its
            names, where Keras's "categorical_crossentropy" takes probabilities. Say
            `get("crossentropy", from_logits=False)` for a model that ends in a softmax.
        options: what the loss takes by keyword.

    Raises:
        UnknownNameError: no loss has that name; close ones are listed.
        ArgumentError: the loss has no such option.

    Example:
        >>> import treexlite as tx
        >>> tx.losses.get("mse").name
        'mean_squared_error'
        >>> tx.losses.get("crossentropy", label_smoothing=0.1).label_smoothing
        0.1
    """
    return REGISTRY.get(name, **options)


def register(name: str, loss: Callable[..., Loss], *, replace: bool = False) -> Callable[..., Loss]:
    """Give a loss of your own a name, and return it.

    Args:
        name: what `get` and `Trainer(loss=...)` will find it by.
        loss: the class, or a function that returns a `Loss`.
        replace: whether it may take the place of another.

    Raises:
        ArgumentError: the name is taken, or `loss` cannot be called.

    Example:
        >>> import jax.numpy as jnp, treexlite as tx
        >>> class Distance(tx.losses.Loss):
        ...     def per_example(self, target, preds):
        ...         return jnp.abs(target - preds).mean(axis=-1)
        >>> tx.losses.register("distance", Distance, replace=True).__name__
        'Distance'
        >>> float(tx.losses.get("distance")(jnp.zeros((2, 1)), jnp.ones((2, 1))))
        1.0
    """
    return REGISTRY.register(name, loss, replace=replace)
