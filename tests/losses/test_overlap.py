"""The counts that losses of overlap share, and what they are given."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, DataError, RangeError, ShapeError, UnknownNameError
from treexlite.losses import Dice, dice, jaccard, tversky

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, (4, 2, 5))
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
LOGITS = (2 * RNG.normal(size=(4, 2, 5, 3))).astype(np.float32)
PROBABILITIES = np.asarray(jax.nn.softmax(LOGITS))
PLAIN = {"from_logits": False, "smooth": 0.0}


def expected(p: np.ndarray, t: np.ndarray, smooth: float, axes: Any) -> np.ndarray:
    """The Dice loss in NumPy, at double precision."""
    p, t = np.float64(p), np.float64(t)
    return 1 - (2 * (p * t).sum(axes) + smooth) / ((p + t).sum(axes) + smooth)


@pytest.mark.parametrize("smooth", [0.0, 1.0])
def test_classes_are_averaged_after_or_before_or_not_at_all(smooth: float) -> None:
    per_class = expected(PROBABILITIES, ONE_HOT, smooth, (1, 2))
    together = expected(PROBABILITIES, ONE_HOT, smooth, (1, 2, 3))
    for average, wanted in (
        ("none", per_class),
        ("macro", per_class.mean(-1)),
        ("micro", together),
    ):
        values = dice(LABELS, LOGITS, average=average, smooth=smooth)  # type: ignore[arg-type]
        np.testing.assert_allclose(values, wanted, rtol=1e-5)


def test_labels_columns_and_one_hot_rows_mean_the_same() -> None:
    wanted = dice(LABELS, LOGITS)
    for target in (LABELS[..., None], ONE_HOT, ONE_HOT.astype(bool), LABELS.astype(np.uint8)):
        np.testing.assert_array_equal(dice(target, LOGITS), wanted)


def test_probabilities_are_those_of_the_logits() -> None:
    np.testing.assert_allclose(
        dice(LABELS, PROBABILITIES, from_logits=False), dice(LABELS, LOGITS), rtol=1e-6
    )
    chances = np.asarray(jax.nn.sigmoid(LOGITS))
    np.testing.assert_allclose(
        dice(ONE_HOT, chances, from_logits=False), dice(ONE_HOT, LOGITS, multilabel=True)
    )
    np.testing.assert_allclose(
        dice(LABELS > 0, chances[..., :1], from_logits=False), dice(LABELS > 0, LOGITS[..., :1])
    )


def test_the_background_can_be_left_out() -> None:
    per_class = dice(LABELS, LOGITS, average="none")
    foreground = dice(LABELS, LOGITS, average="none", include_background=False)
    np.testing.assert_array_equal(foreground, per_class[:, 1:])


@pytest.mark.parametrize("loss", [dice, jaccard, tversky])
def test_ignored_pixels_count_nowhere_whatever_the_model_says(loss: Any) -> None:
    labels, logits = LABELS.copy(), LOGITS.copy()
    labels[:, 1], logits[:, 1] = 255, np.nan
    value, gradient = jax.value_and_grad(
        lambda logits: loss(labels, logits, ignore_index=255).sum()
    )(logits)
    wanted, wanted_gradient = jax.value_and_grad(lambda x: loss(LABELS[:, :1], x).sum())(
        LOGITS[:, :1]
    )
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    np.testing.assert_allclose(gradient[:, :1], wanted_gradient, rtol=1e-5, atol=1e-8)
    np.testing.assert_array_equal(gradient[:, 1], 0)


def test_nothing_against_nothing_is_a_full_overlap() -> None:
    nothing = np.zeros((1, 4, 2), np.float32)
    for smooth in (0.0, 1.0):
        assert dice(nothing, nothing, from_logits=False, smooth=smooth) == 0


def test_smooth_gives_an_absent_class_a_gradient() -> None:
    target, preds = np.zeros((1, 4, 1), np.float32), np.full((1, 4, 1), 0.5, np.float32)

    def gradient(smooth: float) -> jax.Array:
        return jax.grad(lambda preds: dice(target, preds, from_logits=False, smooth=smooth).sum())(
            preds
        )

    assert (gradient(1.0) > 0).all()
    assert (gradient(0.0) == 0).all()


def test_a_label_without_a_class_is_refused_or_nan_when_traced() -> None:
    labels = np.array([[[0, 3]], [[0, 1]]])
    logits = LOGITS[:2, :1, :2]
    with pytest.raises(RangeError, match=r"dice: expected labels from 0 to 2, .* from 0 to 3"):
        dice(labels, logits)
    values = jax.jit(dice)(labels, logits)
    assert np.isnan(values[0])
    assert np.isfinite(values[1])
    with pytest.raises(RangeError, match="expected labels from 0 to 1"):
        dice(labels, logits[..., :1])


def test_masks_of_other_numbers_are_refused_or_nan_when_traced() -> None:
    masks = (255 * (LABELS[..., None] > 0)).astype(np.uint8)
    with pytest.raises(RangeError, match=r"dice: expected `target` between 0 and 1, .* 0 to 255"):
        dice(masks, LOGITS[..., :1])
    assert np.isnan(jax.jit(dice)(masks, LOGITS[..., :1])).all()


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"dice: expected `preds` of .*preds.shape=\(4, 3\)"):
        dice(LABELS[:, 0, 0], LOGITS[:, 0, 0])
    with pytest.raises(ShapeError, match=r"dice: expected `target` of shape \(4, 2, 5\) \(labels"):
        dice(LABELS[:, :1], LOGITS)
    with pytest.raises(ShapeError, match="`ignore_index` needs labels"):
        dice(ONE_HOT, LOGITS, ignore_index=0)
    with pytest.raises(DataError, match="dice: expected labels of an integer dtype"):
        dice(LABELS.astype(np.float32), LOGITS)
    with pytest.raises(ShapeError, match="at least 2 classes when `include_background` is False"):
        dice(LABELS > 0, LOGITS[..., :1], include_background=False)


def test_options_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"Dice: .* an average .* Did you mean 'macro'"):
        Dice(average="macros")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match=r"dice: .* an average"):
        dice(LABELS, LOGITS, average="mean")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Dice: expected `smooth` to be a finite number"):
        Dice(smooth=-1.0)


def test_scores_of_half_precision_are_summed_in_single() -> None:
    ones = jnp.ones((1, 64, 64, 1), jnp.float16)  # more than 2048, where float16 stops counting
    assert dice(ones, ones, **PLAIN) == 0
    assert dice(ones, ones, **PLAIN).dtype == jnp.float32
