"""Losses by name, for places that take a string, such as `Trainer(model, loss="crossentropy")`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treexlite._names import Registry
from treexlite.losses._classification import CrossEntropy
from treexlite.losses._contrastive import Contrastive
from treexlite.losses._ctc import CTC
from treexlite.losses._dice import Dice
from treexlite.losses._elbo import NegativeELBO
from treexlite.losses._info_nce import InfoNCE
from treexlite.losses._jaccard import Jaccard
from treexlite.losses._loss import Loss
from treexlite.losses._mined_triplet import TripletHard, TripletSemiHard
from treexlite.losses._nt_xent import NTXent
from treexlite.losses._pairwise_sigmoid import PairwiseSigmoid
from treexlite.losses._regression import MeanSquaredError
from treexlite.losses._triplet import Triplet
from treexlite.losses._tversky import Tversky

REGISTRY: Registry[Loss] = Registry(
    "losses",
    "a loss",
    {
        "categorical_crossentropy": CrossEntropy,
        "contrastive": Contrastive,
        "cross_entropy": CrossEntropy,
        "crossentropy": CrossEntropy,
        "ctc": CTC,
        "dice": Dice,
        "elbo": NegativeELBO,
        "info_nce": InfoNCE,
        "infonce": InfoNCE,
        "iou": Jaccard,
        "jaccard": Jaccard,
        "mean_squared_error": MeanSquaredError,
        "mse": MeanSquaredError,
        "negative_elbo": NegativeELBO,
        "nt_xent": NTXent,
        "ntxent": NTXent,
        "pairwise_sigmoid": PairwiseSigmoid,
        "siglip": PairwiseSigmoid,
        "sparse_categorical_crossentropy": CrossEntropy,
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
