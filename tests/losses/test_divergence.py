"""Divergences between distributions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ShapeError
from treexlite.losses import (
    JensenShannonDivergence,
    KLDivergence,
    cross_entropy,
    jensen_shannon_divergence,
    kl_divergence,
)

RNG = np.random.default_rng(0)
P_LOGITS = RNG.normal(size=(5, 2, 4)).astype(np.float32)
Q_LOGITS = RNG.normal(size=(5, 2, 4)).astype(np.float32)
FUNCTIONS: list[Any] = [kl_divergence, jensen_shannon_divergence]
LOSSES: list[Any] = [KLDivergence, JensenShannonDivergence]


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(np.float64(x))
    return powers / powers.sum(-1, keepdims=True)


def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return (p * np.log(p / q)).sum(-1)


P, Q = softmax(P_LOGITS), softmax(Q_LOGITS)
WANTED = {
    kl_divergence: kl(P, Q),
    jensen_shannon_divergence: (kl(P, (P + Q) / 2) + kl(Q, (P + Q) / 2)) / 2,
}


@pytest.mark.parametrize("target_from_logits", [False, True])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_it_is_the_definition(function: Any, from_logits: bool, target_from_logits: bool) -> None:
    target = P_LOGITS if target_from_logits else np.float32(P)
    preds = Q_LOGITS if from_logits else np.float32(Q)
    options = {"from_logits": from_logits, "target_from_logits": target_from_logits}
    values = function(target, preds, **options)
    np.testing.assert_allclose(values, WANTED[function], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_log_probabilities_are_logits(function: Any) -> None:
    values = function(np.float32(np.log(P)), np.float32(np.log(Q)), target_from_logits=True)
    np.testing.assert_allclose(values, WANTED[function], rtol=1e-5, atol=1e-6)


def test_the_gradient_is_that_of_the_cross_entropy() -> None:
    target = np.float32(P)
    gradients = [
        jax.grad(lambda x, f=f: f(target, x).sum())(Q_LOGITS)
        for f in (kl_divergence, cross_entropy)
    ]
    np.testing.assert_allclose(*gradients, atol=1e-6)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_equal_distributions_do_not_differ(function: Any) -> None:
    same = function(np.float32(P), np.float32(np.log(P)))
    np.testing.assert_allclose(same, 0, atol=1e-6)


def test_the_jensen_shannon_divergence_is_symmetric_and_bounded() -> None:
    p, q = np.float32(P), np.float32(Q)
    one_way = jensen_shannon_divergence(p, q, from_logits=False)
    other_way = jensen_shannon_divergence(q, p, from_logits=False)
    np.testing.assert_allclose(one_way, other_way, rtol=1e-5)
    apart = jensen_shannon_divergence(jnp.eye(2), 1 - jnp.eye(2), from_logits=False)
    np.testing.assert_allclose(apart, np.log(2), rtol=1e-6)


def test_impossible_classes_that_happen_have_a_large_but_finite_divergence() -> None:
    target, preds = jnp.array([[1.0, 0.0]]), jnp.array([[0.0, 1.0]])
    value = kl_divergence(target, preds, from_logits=False)
    np.testing.assert_allclose(value, -np.log(1e-7), rtol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_finite_where_probabilities_are_zero(loss: Any) -> None:
    sides = [jnp.eye(3), 1 - jnp.eye(3)[::-1], jnp.full((3, 3), 1 / 3), jnp.full((3, 3), 1e-38)]
    for target in sides:
        for preds in sides:
            f = jax.value_and_grad(loss(from_logits=False), argnums=(0, 1))
            for leaf in jax.tree.leaves(f(target, preds)):
                assert jnp.isfinite(leaf).all()
    ruled_out = jnp.array([[0.0, 0.0, -jnp.inf]])
    for target in (jnp.array([[0.5, 0.5, 0.0]]), jnp.array([[1.0, 0.0, 0.0]])):
        value, gradient = jax.value_and_grad(loss(), argnums=1)(target, ruled_out)
        assert jnp.isfinite(value)
        assert jnp.isfinite(gradient).all()
    both = loss(target_from_logits=True)
    value, gradients = jax.value_and_grad(both, argnums=(0, 1))(ruled_out, ruled_out)
    np.testing.assert_allclose(value, 0, atol=1e-7)
    assert all(jnp.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shapes", [((4, 3), (4, 2)), ((4, 1), (4,)), ((), ())])
def test_other_shapes_are_refused(shapes: Any, function: Any) -> None:
    with pytest.raises(ShapeError, match=f"{function.__name__}: expected `target` and `preds` of"):
        function(jnp.ones(shapes[0]), jnp.ones(shapes[1]))
