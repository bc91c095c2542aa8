"""Losses by name."""

import pytest

from treexlite._errors import UnknownNameError
from treexlite.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    InfoNCE,
    Jaccard,
    KLDivergence,
    Loss,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    NegativeELBO,
    NegativeLogLikelihood,
    NTXent,
    PairwiseSigmoid,
    Quantile,
    get,
)
from treexlite.losses._registry import REGISTRY


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("mse", MeanSquaredError),
        ("mean_squared_error", MeanSquaredError),
        ("crossentropy", CrossEntropy),
        ("cross_entropy", CrossEntropy),
        ("sparse_categorical_crossentropy", CrossEntropy),
        ("categorical_crossentropy", CrossEntropy),
        ("iou", Jaccard),
        ("elbo", NegativeELBO),
        ("infonce", InfoNCE),
        ("siglip", PairwiseSigmoid),
        ("ntxent", NTXent),
        ("MAE", MeanAbsoluteError),
        ("l1", MeanAbsoluteError),
        ("mape", MeanAbsolutePercentageError),
        ("msle", MeanSquaredLogarithmicError),
        ("bce", BinaryCrossEntropy),
        ("BinaryCrossentropy", BinaryCrossEntropy),
        ("kld", KLDivergence),
        ("KLDivergence", KLDivergence),
        ("nll", NegativeLogLikelihood),
        ("pinball", Quantile),
    ],
)
def test_names_stand_for_losses_with_default_options(name: str, loss: type[Loss]) -> None:
    found = get(name)
    assert type(found) is loss
    assert repr(found) == repr(loss())


def test_each_call_makes_a_new_loss() -> None:
    assert get("mse") is not get("mse")


def test_every_loss_is_known_under_its_own_name() -> None:
    assert {loss().name for loss in map(REGISTRY.find, REGISTRY.names)} <= set(REGISTRY.names)


def test_an_unknown_name_is_refused_with_the_close_ones() -> None:
    message = (
        r"losses\.get: expected the name of a loss \(\d+ are known\), "
        r"received 'cross_entopy'\. Did you mean 'cross_entropy'"
    )
    with pytest.raises(UnknownNameError, match=message):
        get("cross_entopy")
