"""What all losses share: selection, weights, reduction, scale."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import treexlite as tx
from treexlite._errors import ArgumentError, ShapeError, StructureError, UnknownNameError
from treexlite.losses import CrossEntropy, Loss, MeanSquaredError

REDUCTIONS = ["sum_over_batch_size", "weighted_mean", "sum", "none"]


class Difference(Loss):
    """The plainest loss: values of any shape."""

    def per_example(self, target: jax.Array, preds: jax.Array) -> jax.Array:
        return preds - target


# Compiled once for each shape, whatever the number of examples that hypothesis tries.
MEAN = CrossEntropy(reduction="weighted_mean")
value_and_gradient = jax.jit(jax.value_and_grad(MEAN, argnums=1))


def apply(loss: Loss, *batch: Any) -> Any:
    return loss(*batch)


@st.composite
def batches(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """Labels, logits and weights of a batch; some weights are 0, at least one is not."""
    size = draw(st.sampled_from([1, 2, 5]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=size, max_size=size))
    weights[draw(st.integers(0, size - 1))] = 2.0
    labels, logits = rng.integers(0, 3, size), rng.normal(size=(size, 3)) * 5
    return labels, logits.astype(np.float32), np.array(weights, np.float32)


def expected(values: np.ndarray, weights: np.ndarray, reduction: str) -> np.ndarray:
    """The reductions in NumPy, at double precision."""
    weighted = np.float64(values) * weights
    if reduction == "none":
        return weighted
    divisors = {"weighted_mean": weights.sum(), "sum_over_batch_size": weighted.size, "sum": 1}
    return weighted.sum() / divisors[reduction]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(batch=batches())
def test_values_are_weighed_and_reduced(reduction: Any, batch: Any) -> None:
    labels, logits, weights = batch
    values = CrossEntropy(reduction="none")(labels, logits)
    loss = CrossEntropy(reduction=reduction)(labels, logits, weights)
    np.testing.assert_allclose(loss, expected(values, weights, reduction), rtol=1e-5)


@given(batch=batches(), garbage=st.sampled_from([np.nan, np.inf, -np.inf, 1e30]))
def test_a_weight_of_zero_is_absence_whatever_the_example_holds(batch: Any, garbage: float) -> None:
    labels, logits, weights = batch
    absent = weights == 0
    there = ~absent
    junk_labels = np.where(absent, -1, labels)
    junk_logits = np.where(absent[:, None], np.float32(garbage), logits)

    value, gradient = value_and_gradient(junk_labels, junk_logits, weights)
    wanted = value_and_gradient(labels[there], logits[there], weights[there])

    np.testing.assert_allclose(value, wanted[0], rtol=1e-6)
    np.testing.assert_allclose(gradient[there], wanted[1], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(gradient[absent], 0)
    np.testing.assert_allclose(MEAN(junk_labels, junk_logits, weights), wanted[0], rtol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(batch=batches(), garbage=st.sampled_from([np.nan, np.inf, -np.inf, 1e30]))
def test_a_mask_takes_examples_away_under_every_reduction(
    reduction: Any, batch: Any, garbage: float
) -> None:
    labels, logits, weights = batch
    mask = weights != 3.0
    mask[0] = True
    junk = np.where(mask, labels, -1), np.where(mask[:, None], logits, np.float32(garbage))
    loss = CrossEntropy(reduction=reduction)

    masked = loss(*junk, weights, mask=mask)
    wanted = loss(labels[mask], logits[mask], weights[mask])

    np.testing.assert_allclose(masked[mask] if masked.ndim else masked, wanted, rtol=1e-6)
    if masked.ndim:
        np.testing.assert_array_equal(masked[~mask], 0)


def test_a_mask_of_another_shape_is_refused() -> None:
    message = r"MeanSquaredError: expected `mask` to have the first axes .* shape \(2,\)"
    with pytest.raises(ShapeError, match=message):
        MeanSquaredError()(jnp.zeros((2, 3)), jnp.zeros((2, 3)), mask=jnp.ones((2, 1)))


def test_losses_mask_by_what_the_examples_hold() -> None:
    class Chosen(Difference):
        def own_mask(self, target: jax.Array, preds: jax.Array) -> jax.Array:
            return target != 7

    target, preds = jnp.array([0.0, 1.0, 7.0]), jnp.array([2.0, 5.0, jnp.nan])
    assert Chosen()(target, preds) == (2 + 4) / 2
    assert Chosen()(target, preds, mask=jnp.array([0, 1, 1])) == 4
    assert Chosen(reduction="weighted_mean")(target, preds, jnp.array([2, 1, 1])) == 8 / 3


def test_examples_may_count_for_more_or_less_than_one() -> None:
    class Counted(Difference):
        def own_counts(self, target: jax.Array, preds: jax.Array) -> jax.Array:
            return jnp.where(target == 1, 3.0, 1.0)

    target, preds = jnp.array([0.0, 1.0, 0.0]), jnp.array([2.0, 5.0, 4.0])
    assert Counted()(target, preds) == 10 / 3
    mean = Counted(reduction="weighted_mean")
    assert mean(target, preds) == 10 / 5
    assert mean(target, preds, jnp.array([2, 1, 0])) == 8 / 5
    assert mean(target, preds, mask=jnp.array([0, 1, 1])) == 8 / 4


def test_losses_that_compare_examples_are_told_which_are_there() -> None:
    class Spread(Difference):
        def values(self, target: Any, preds: Any, present: Any) -> jax.Array:
            count = preds.size if present is None else present.sum()
            return preds - preds.sum() / count

    target, preds, there = jnp.zeros(3), jnp.array([1.0, 5.0, jnp.inf]), jnp.array([1, 1, 0])
    loss = Spread(reduction="none")
    np.testing.assert_array_equal(loss(target, preds, mask=there), [-2, 2, 0])
    np.testing.assert_array_equal(loss(target, preds, there), [-2, 2, 0])
    np.testing.assert_array_equal(loss(target[:2], preds[:2]), [-2, 2])


def test_losses_that_do_not_read_targets_are_given_none() -> None:
    class Size(Loss):
        reads_target = False

        def per_example(self, target: Any, preds: jax.Array) -> jax.Array:
            assert target is None
            return preds

    loss = Size(on="a")
    preds = {"a": jnp.array([1.0, 3.0]), "b": jnp.zeros(2)}
    for target in (None, jnp.full(2, jnp.nan), {"b": jnp.zeros(2)}):
        assert loss(target, preds) == 2
        assert loss(target, preds, mask=jnp.array([0, 1])) == 3


def test_a_missing_target_of_weight_zero_reaches_no_gradient() -> None:
    target, preds = jnp.array([[jnp.nan], [1.0]]), jnp.array([[2.0], [3.0]])
    gradient = jax.grad(MeanSquaredError(), argnums=1)(target, preds, jnp.array([0.0, 1.0]))
    np.testing.assert_array_equal(gradient, [[0], [2]])


def test_a_formula_without_a_value_at_zero_does_not_bring_the_absent_back() -> None:
    class LogLoss(Loss):
        def per_example(self, target: jax.Array, preds: jax.Array) -> jax.Array:
            return -target * jnp.log(preds)

    preds, weights = jnp.array([0.5, 1.0]), jnp.array([0.0, 1.0])
    value, gradient = jax.value_and_grad(LogLoss(), argnums=1)(jnp.ones(2), preds, weights)
    assert value == 0
    np.testing.assert_array_equal(gradient, [0, -0.5])
    unreduced = LogLoss(reduction="none")(jnp.ones(2), preds, weights)
    np.testing.assert_array_equal(unreduced, [0, 0])


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_when_all_are_absent_the_loss_is_zero(reduction: Any) -> None:
    loss = MeanSquaredError(reduction=reduction)
    value, gradient = jax.value_and_grad(lambda *a: loss(*a).sum(), argnums=1)(
        jnp.ones((2, 1)), jnp.zeros((2, 1)), jnp.zeros(2)
    )
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


def test_the_mean_of_an_empty_batch_is_zero() -> None:
    assert MeanSquaredError()(jnp.ones((0, 1)), jnp.zeros((0, 1))) == 0


def test_weights_are_laid_along_the_axes_of_examples() -> None:
    target, preds = jnp.zeros((2, 3)), jnp.array([[1.0, 2, 3], [10, 20, 30]])  # (batch, time)
    assert Difference()(target, preds, jnp.array([1, 0])) == 1
    mean = Difference(reduction="weighted_mean")
    assert mean(target, preds, jnp.array([1, 0])) == 2
    per_time = jnp.array([[1, 0, 0], [0, 0, 1]])
    assert mean(target, preds, per_time) == 15.5
    assert Difference(reduction="sum")(target, preds, jnp.array([0, 2])) == 120


@pytest.mark.parametrize("weights", [np.array([True, False]), np.array([1, 0]), [1, 0]])
def test_weights_may_be_booleans_and_integers(weights: Any) -> None:
    target, preds = jnp.zeros((2, 1)), jnp.array([[2.0], [5.0]])
    assert MeanSquaredError()(target, preds, weights) == 2


def test_fractional_weights_of_integer_data_are_not_truncated() -> None:
    target, preds = jnp.array([[0], [0]]), jnp.array([[1], [2]])
    loss = MeanSquaredError(reduction="none")(target, preds, jnp.array([0.5, 0.25]))
    np.testing.assert_array_equal(loss, [0.5, 1.0])


def test_weights_of_another_shape_are_refused() -> None:
    message = r"MeanSquaredError: expected `sample_weight` to have the first axes .* shape \(2,\)"
    with pytest.raises(ShapeError, match=message):
        MeanSquaredError()(jnp.zeros((2, 3)), jnp.zeros((2, 3)), jnp.ones((2, 1)))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weight_multiplies_the_result(reduction: Any) -> None:
    target, preds = jnp.zeros((2, 1)), jnp.array([[1.0], [3.0]])
    plain = MeanSquaredError(reduction=reduction)(target, preds)
    halved = MeanSquaredError(reduction=reduction, weight=0.5)(target, preds)
    np.testing.assert_array_equal(halved, plain / 2)


@pytest.mark.parametrize("on", ["b", ("c", 1), ["c", 1]])
def test_on_selects_from_targets_and_predictions(on: Any) -> None:
    target = {"a": jnp.full((2, 1), 7.0), "b": jnp.zeros((2, 1)), "c": (None, jnp.zeros((2, 1)))}
    preds = {"a": jnp.zeros((2, 1)), "b": jnp.ones((2, 1)), "c": (None, jnp.ones((2, 1)))}
    assert MeanSquaredError(on=on)(target, preds) == 1
    assert MeanSquaredError(on=on)(target, preds, jnp.array([1, 0])) == 0.5


def test_on_without_such_a_part_is_refused() -> None:
    message = r"MeanSquaredError: expected a part of `preds` at on='b', .* which has no 'b'"
    with pytest.raises(StructureError, match=message):
        MeanSquaredError(on="b")({"b": jnp.zeros(1)}, {"a": jnp.zeros(1)})


def test_the_name_is_the_class_in_snake_case_or_as_given() -> None:
    assert MeanSquaredError().name == "mean_squared_error"
    assert CrossEntropy().name == "cross_entropy"
    assert CrossEntropy(name="xent").name == "xent"


def test_arguments_may_be_given_by_keyword() -> None:
    target, preds = jnp.zeros((2, 1)), jnp.ones((2, 1))
    by_keyword = MeanSquaredError()(sample_weight=jnp.array([1, 0]), preds=preds, target=target)
    assert by_keyword == MeanSquaredError()(target, preds, jnp.array([1, 0]))


def test_an_unknown_reduction_is_refused_with_the_close_ones() -> None:
    message = r"CrossEntropy: expected the name of a reduction .*'sums'. Did you mean 'sum'"
    with pytest.raises(UnknownNameError, match=message):
        CrossEntropy(reduction="sums")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="received 'None'"):
        CrossEntropy(reduction=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [np.nan, np.inf, True, "1", jnp.ones(3)])
def test_a_weight_that_is_no_finite_number_is_refused(weight: Any) -> None:
    message = "MeanSquaredError: expected `weight` to be a finite number or None, received weight="
    with pytest.raises(ArgumentError, match=message):
        MeanSquaredError(weight=weight)


def test_a_loss_without_a_formula_cannot_be_built() -> None:
    with pytest.raises(TypeError, match="per_example"):
        Loss()  # type: ignore[abstract]


@pytest.mark.parametrize("jitted", [jax.jit(apply), tx.jit(apply)], ids=["jax.jit", "tx.jit"])
@given(batch=batches())
def test_eager_and_jitted_agree(jitted: Any, batch: Any) -> None:
    loss = CrossEntropy(label_smoothing=0.1)
    np.testing.assert_allclose(jitted(loss, *batch), loss(*batch), rtol=1e-6)


def test_a_loss_is_a_function_that_jit_takes() -> None:
    target, preds = jnp.zeros((2, 1)), jnp.ones((2, 1))
    assert tx.jit(MeanSquaredError())(target, preds) == 1


@pytest.mark.parametrize("reduction", REDUCTIONS[:3])
@pytest.mark.parametrize("weights", [None, jnp.array([2.0, 0.0, 1.0])])
@pytest.mark.parametrize("mask", [None, jnp.array([True, True, False])])
def test_the_loss_is_a_fraction_whose_parts_add_up(reduction: Any, weights: Any, mask: Any) -> None:
    loss = Difference(reduction=reduction, weight=3)
    target, preds = jnp.zeros(3), jnp.array([1.0, 5.0, 7.0])
    total, count = loss.fraction(target, preds, weights, mask=mask)
    np.testing.assert_allclose(total / count, loss(target, preds, weights, mask=mask), rtol=1e-6)
    parts = [
        loss.fraction(*(None if x is None else x[rows] for x in (target, preds, weights)))
        for rows in (slice(0, 1), slice(1, 3))
    ]
    whole = loss.fraction(target, preds, weights)
    sums = [sum(numbers) for numbers in zip(*parts, strict=True)]
    np.testing.assert_allclose(sums[0], whole[0], rtol=1e-6)
    assert reduction == "sum" or sums[1] == whole[1]


def test_without_examples_a_fraction_is_zero_of_zero() -> None:
    loss = Difference(reduction="weighted_mean")
    assert loss.fraction(jnp.zeros(2), jnp.ones(2), jnp.zeros(2)) == (0, 0)
    whole = Difference(reduction="none").fraction(jnp.zeros(2), jnp.ones(2))
    assert whole == (2, 1)
