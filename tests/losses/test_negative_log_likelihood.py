"""The negative log-likelihood of labels, and of whatever a function of the user's takes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.losses import NegativeLogLikelihood, cross_entropy, negative_log_likelihood

RNG = np.random.default_rng(0)
LABELS = np.array([[0, 2], [1, 1], [2, 0]])
LOGITS = RNG.normal(size=(3, 2, 4)).astype(np.float32)
LOG_PROBS = np.asarray(jax.nn.log_softmax(LOGITS))


def exponential(target: Any, preds: Any) -> jax.Array:
    return (jnp.log(preds) - preds * target).sum(-1)


def test_it_is_the_log_probability_of_the_label() -> None:
    values = negative_log_likelihood(LABELS, LOG_PROBS)
    np.testing.assert_allclose(values, cross_entropy(LABELS, LOGITS), rtol=1e-6)
    np.testing.assert_array_equal(negative_log_likelihood(LABELS[..., None], LOG_PROBS), values)
    np.testing.assert_array_equal(
        negative_log_likelihood(np.array([1]), np.array([[3.0, 5.0]])), [-5]
    )


def test_labels_without_a_class_are_refused_or_nan_when_traced() -> None:
    labels = np.array([0, 4])
    with pytest.raises(RangeError, match="negative_log_likelihood: expected labels from 0 to 3"):
        negative_log_likelihood(labels, LOG_PROBS[0])
    values = jax.jit(negative_log_likelihood)(labels, LOG_PROBS[0])
    np.testing.assert_array_equal(jnp.isnan(values), [False, True])


def test_an_impossible_label_has_an_infinite_loss_and_a_finite_gradient() -> None:
    preds = jnp.array([[-jnp.inf, 0.0]])
    value, gradient = jax.value_and_grad(NegativeLogLikelihood(), argnums=1)(np.array([0]), preds)
    assert value == jnp.inf
    np.testing.assert_array_equal(gradient, [[-1, 0]])


def test_any_distribution_may_be_given() -> None:
    target, preds = RNG.exponential(size=(5, 2)), RNG.uniform(0.5, 2, (5, 2))
    loss = NegativeLogLikelihood(exponential)
    wanted = (preds * target - np.log(preds)).sum(-1)
    np.testing.assert_allclose(
        negative_log_likelihood(target, preds, log_prob=exponential), wanted, rtol=1e-5
    )
    np.testing.assert_allclose(loss(target, preds), wanted.mean(), rtol=1e-5)
    weights = np.array([1, 0, 2, 0, 0.5])
    np.testing.assert_allclose(
        loss(target, preds, weights), (weights * wanted).sum() / 5, rtol=1e-5
    )
    half = negative_log_likelihood(
        jnp.ones((2, 1), jnp.float16), jnp.ones((2, 1), jnp.float16), log_prob=exponential
    )
    assert half.dtype == jnp.float32


def test_targets_and_predictions_may_be_trees() -> None:
    def log_prob(target: Any, preds: Any) -> jax.Array:
        return exponential(target["t"], preds[0]) * target["seen"]

    target = {"t": jnp.ones((2, 1)), "seen": jnp.array([1.0, 0.0])}
    assert NegativeLogLikelihood(log_prob)(target, (jnp.full((2, 1), 2.0),)) == (2 - np.log(2)) / 2


def test_one_number_for_several_examples_is_refused() -> None:
    loss = NegativeLogLikelihood(lambda target, preds: exponential(target, preds).sum())
    message = (
        "NegativeLogLikelihood: expected `log_prob` to return one number for each of 3 examples, "
        "received one number for all. Sum over features only"
    )
    with pytest.raises(ShapeError, match=message):
        loss(jnp.ones((3, 1)), jnp.ones((3, 1)))
    assert loss(jnp.ones((1, 1)), jnp.ones((1, 1))) == 1


def test_what_is_no_function_is_refused() -> None:
    message = "expected `log_prob` to be a function of target and preds, or None, received log_prob"
    with pytest.raises(ArgumentError, match=f"NegativeLogLikelihood: {message}"):
        NegativeLogLikelihood("normal")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=f"negative_log_likelihood: {message}"):
        negative_log_likelihood(LABELS, LOG_PROBS, log_prob=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"ignore_index": 0}, {"class_weight": (1.0, 2.0)}])
def test_options_of_labels_do_not_go_with_a_distribution(options: Any) -> None:
    message = "expected `class_weight` and `ignore_index` with labels only, received them beside"
    with pytest.raises(ArgumentError, match=f"NegativeLogLikelihood: {message}"):
        NegativeLogLikelihood(exponential, **options)
    with pytest.raises(ArgumentError, match=f"negative_log_likelihood: {message}"):
        negative_log_likelihood(LABELS, LOG_PROBS, log_prob=exponential, **options)
