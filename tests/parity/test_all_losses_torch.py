"""Each loss that torch has, with it: values and gradients, to 1e-5 relative."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.losses import SCALES, SEEDS, TOLERANCE, assert_same, draw
from treexlite import losses

torch = pytest.importorskip("torch", reason="torch is not installed")
nn, F = torch.nn, torch.nn.functional

WEIGHTS = (0.5, 0.0, 2.0, 3.0)
TENSOR = torch.tensor(WEIGHTS)


def of_features(loss: Any, **options: Any) -> Any:
    """torch's loss of each example: the mean over features, where torch would mean over all."""
    function = loss(reduction="none", **options)
    return lambda preds, target: function(preds, target).mean(-1)


def compare(ours: Any, theirs: Any, target: Any, preds: Any, tolerance: float = TOLERANCE) -> None:
    """Compare values, and gradients of a sum with unequal parts."""
    given = [torch.tensor(x, requires_grad=True) for x in jax.tree.leaves(preds)]
    wanted = theirs(given[0] if len(given) == 1 else tuple(given), torch.tensor(target))
    parts = np.linspace(0.5, 2, max(wanted.numel(), 1), dtype=np.float32).reshape(wanted.shape)
    (wanted * torch.tensor(parts)).sum().backward()
    assert_same(ours(target, preds), wanted.detach(), tolerance)
    gradient = jax.grad(lambda preds: (ours(target, preds) * parts).sum())(preds)
    for mine, tensor in zip(jax.tree.leaves(gradient), given, strict=True):
        assert_same(mine, tensor.grad, tolerance)


def kl(preds: Any, target: Any) -> Any:
    return nn.KLDivLoss(reduction="none")(F.log_softmax(preds, -1), target).sum(-1)


def kl_of_logits(preds: Any, target: Any) -> Any:
    loss = nn.KLDivLoss(reduction="none", log_target=True)
    return loss(F.log_softmax(preds, -1), F.log_softmax(target, -1)).sum(-1)


ROWS: list[tuple[Any, Any, str]] = [
    (losses.MeanAbsoluteError(reduction="none"), of_features(nn.L1Loss), "numbers"),
    (losses.Huber(delta=0.7, reduction="none"), of_features(nn.HuberLoss, delta=0.7), "numbers"),
    (
        losses.Huber(delta=0.7, weight=1 / 0.7, reduction="none"),
        of_features(nn.SmoothL1Loss, beta=0.7),
        "numbers",
    ),
    (
        losses.Poisson(epsilon=1e-8, reduction="none"),
        of_features(nn.PoissonNLLLoss, log_input=False),
        "counts as positive",
    ),
    (losses.Poisson(log_input=True, reduction="none"), of_features(nn.PoissonNLLLoss), "counts"),
    (
        losses.BinaryCrossEntropy(reduction="none"),
        of_features(nn.BCEWithLogitsLoss),
        "yes-no",
    ),
    (
        losses.BinaryCrossEntropy(pos_weight=WEIGHTS, reduction="none"),
        of_features(nn.BCEWithLogitsLoss, pos_weight=TENSOR),
        "yes-no",
    ),
    (
        losses.BinaryCrossEntropy(from_logits=False, reduction="none"),
        of_features(nn.BCELoss),
        "yes-no as probabilities",
    ),
    (
        losses.CosineSimilarity(reduction="none"),
        lambda preds, target: -F.cosine_similarity(preds, target, dim=-1),
        "numbers",
    ),
    (losses.KLDivergence(reduction="none"), kl, "distributions"),
    (losses.KLDivergence(target_from_logits=True, reduction="none"), kl_of_logits, "numbers"),
    (
        losses.KLDivergence(),
        lambda preds, target: nn.KLDivLoss(reduction="batchmean")(F.log_softmax(preds, -1), target),
        "distributions",
    ),
    (losses.MultiMargin(reduction="none"), nn.MultiMarginLoss(reduction="none"), "labels"),
    (
        losses.MultiMargin(p=2, margin=0.5, class_weight=WEIGHTS),
        nn.MultiMarginLoss(p=2, margin=0.5, weight=TENSOR),
        "labels",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0].name} {row[2]}")
@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES)
def test_each_loss(row: Any, seed: int, scale: float) -> None:
    ours, theirs, kind = row
    target, preds = draw(kind, seed, scale)
    compare(ours, theirs, target, preds, 3e-5)


@pytest.mark.parametrize("full", [False, True])
@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES)
def test_gaussian_nll(full: bool, seed: int, scale: float) -> None:
    target, mean = draw("numbers", seed, scale)
    variance = draw("positive", seed, scale)[0]
    variance[0] = 1e-9  # below epsilon: counts as that, and keeps its gradient
    theirs = nn.GaussianNLLLoss(full=full, reduction="none")
    compare(
        losses.GaussianNLL(full=full, reduction="none"),
        lambda preds, target: theirs(preds[0], target, preds[1]).mean(-1),
        target,
        (mean, variance),
    )


REDUCTIONS = [("weighted_mean", "mean"), ("sum", "sum"), ("none", "none")]


@pytest.mark.parametrize("ignore", [-100, 1])
@pytest.mark.parametrize(("ours", "theirs"), REDUCTIONS)
@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES)
def test_cross_entropy_of_weighted_classes_and_labels_to_ignore(
    ours: Any, theirs: str, ignore: int, seed: int, scale: float
) -> None:
    labels, preds = draw("labels", seed, scale)
    labels = np.where(np.arange(len(labels)) % 3 == 0, ignore, labels)
    labels[1] = 3  # torch's mean over nothing is NaN; ours is 0
    options: dict[str, Any] = {"ignore_index": ignore, "label_smoothing": seed % 2 * 0.2}
    compare(
        losses.CrossEntropy(class_weight=WEIGHTS, reduction=ours, **options),
        nn.CrossEntropyLoss(weight=TENSOR, reduction=theirs, **options),
        labels,
        preds,
    )
    compare(
        losses.NegativeLogLikelihood(class_weight=WEIGHTS, ignore_index=ignore, reduction=ours),
        nn.NLLLoss(weight=TENSOR, ignore_index=ignore, reduction=theirs),
        labels,
        np.array(jax.nn.log_softmax(preds)),
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@settings(max_examples=examples(10))
@given(seed=SEEDS, scale=SCALES)
def test_cross_entropy_of_weighted_probabilities(smoothing: float, seed: int, scale: float) -> None:
    target, preds = draw("distributions", seed, scale)
    options: dict[str, Any] = {"label_smoothing": smoothing}
    for ours, theirs in (("sum_over_batch_size", "mean"), ("sum", "sum"), ("none", "none")):
        compare(
            losses.CrossEntropy(class_weight=WEIGHTS, reduction=ours, **options),  # type: ignore[arg-type]
            nn.CrossEntropyLoss(weight=TENSOR, reduction=theirs, **options),
            target,
            preds,
        )


def test_the_default_mean_of_weighted_classes_divides_by_the_number_of_examples() -> None:
    labels, preds = draw("labels", 1, 1.0)
    total = nn.CrossEntropyLoss(weight=TENSOR, reduction="sum")(
        torch.tensor(preds), torch.tensor(labels)
    )
    ours = losses.CrossEntropy(class_weight=WEIGHTS)(labels, jnp.asarray(preds))
    assert_same(ours, total.item() / len(labels))
