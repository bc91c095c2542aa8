"""`Perplexity`: among how many tokens a model hesitates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, RangeError, ShapeError
from treexlite.metrics import Perplexity

TARGET = np.array([[0, 2, 1], [3, 0, 2]])
LOGITS = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)


def expected(kept: np.ndarray) -> float:
    logs = LOGITS - np.log(np.exp(LOGITS.astype(np.float64)).sum(-1, keepdims=True))
    surprises = -np.take_along_axis(logs, TARGET[..., None], -1)[..., 0]
    return float(np.exp((surprises * kept).sum() / kept.sum()))


def test_tokens_count_equally_whatever_their_batch() -> None:
    metric = Perplexity()
    metric.update(TARGET[:1, :2], LOGITS[:1, :2])
    metric.update(TARGET[:1, 2:], LOGITS[:1, 2:])
    metric.update(TARGET[1:], LOGITS[1:])
    np.testing.assert_allclose(metric.compute(), expected(np.ones((2, 3))), rtol=1e-6)


def test_a_mask_and_an_ignored_label_leave_tokens_out() -> None:
    kept = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    value = Perplexity()(TARGET, LOGITS, kept)
    np.testing.assert_allclose(value, expected(kept), rtol=1e-6)
    ignored = np.where(kept == 1, TARGET, -100)
    assert Perplexity(-100)(ignored, LOGITS) == value
    weights = np.array([1.0, 3.0])
    np.testing.assert_allclose(
        Perplexity(-100)(ignored, LOGITS, weights), expected(kept * weights[:, None]), rtol=1e-6
    )
    assert jnp.isnan(Perplexity(-100)(np.full((2, 3), -100), LOGITS))


def test_probabilities_of_zero_are_infinitely_surprising() -> None:
    chances = jax.nn.softmax(LOGITS)
    value = Perplexity(from_logits=False)(TARGET, chances)
    np.testing.assert_allclose(value, Perplexity()(TARGET, LOGITS), rtol=1e-6)
    assert Perplexity(from_logits=False)(jnp.array([0]), jnp.array([[0.0, 1.0]])) == jnp.inf
    assert Perplexity()(jnp.array([0]), jnp.array([[-50.0, 30.0]])) == jnp.exp(80.0)


def test_a_label_without_a_token_is_refused_or_nan_when_traced() -> None:
    target = np.where(TARGET == 3, -100, TARGET)
    with pytest.raises(RangeError, match="Perplexity: expected labels from 0 to 3"):
        Perplexity()(target, LOGITS)
    assert jnp.isnan(jax.jit(lambda *x: Perplexity()(*x))(target, LOGITS))
    assert not jnp.isnan(jax.jit(lambda *x: Perplexity(-100)(*x))(target, LOGITS))


def test_what_does_not_fit_is_refused() -> None:
    for ignore in (None, -100):
        with pytest.raises(ShapeError, match=r"Perplexity: expected labels of shape \(2, 3\)"):
            Perplexity(ignore)(TARGET[:, :2], LOGITS)
        with pytest.raises(ArgumentError, match="Perplexity: expected both `target` and `preds`"):
            Perplexity(ignore)(preds=LOGITS)
