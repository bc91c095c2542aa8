"""Routing: choices, places in their order, and the two losses, against loops in Python."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite.nn._routing import capacity, imbalance, places, routes, squared_size

LOGITS = jax.random.normal(jax.random.key(0), (12, 4))


def places_by_loop(experts: np.ndarray, num_experts: int, size: int) -> np.ndarray:
    found = np.full(experts.shape, num_experts * size)
    taken = [0] * num_experts
    for choice in range(experts.shape[1]):
        for token in range(experts.shape[0]):
            expert = experts[token, choice]
            if taken[expert] < size:
                found[token, choice] = expert * size + taken[expert]
            taken[expert] += 1
    return found


@pytest.mark.parametrize("size", [1, 3, 12])
def test_first_choices_and_earlier_tokens_take_their_places_first(size: int) -> None:
    experts = routes(LOGITS, 3, True).experts
    expected = places_by_loop(np.asarray(experts), 4, size)
    np.testing.assert_array_equal(places(experts, 4, size), expected)
    assert (expected == 4 * size).any() == (size < 12)


@pytest.mark.parametrize("normalize", [True, False])
def test_gates_are_the_largest_probabilities(normalize: bool) -> None:
    found = routes(LOGITS, 2, normalize)
    probs = np.sort(np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True), -1)[:, :-3:-1]
    expected = probs / probs.sum(-1, keepdims=True) if normalize else probs
    np.testing.assert_allclose(found.gates, expected, rtol=1e-5)
    np.testing.assert_array_equal(found.experts, np.argsort(-LOGITS, -1)[:, :2])


@pytest.mark.parametrize(
    ("num_tokens", "factor", "expected"),
    [(8, 1.0, 4), (8, 1.25, 5), (9, 1.0, 5), (8, 0.01, 1), (8, 50.0, 8), (0, 1.0, 1)],
)
def test_capacity_is_a_part_of_all_choices(num_tokens: int, factor: float, expected: int) -> None:
    assert capacity(num_tokens, num_experts=4, top_k=2, factor=factor) == expected


def test_imbalance_is_top_k_when_balanced_and_more_when_not() -> None:
    balanced = 10 * jnp.tile(jnp.eye(4), (3, 1))
    assert float(imbalance(routes(balanced, 1, False))) == pytest.approx(1, abs=1e-3)
    one_sided = jnp.tile(jnp.array([[9.0, 0, 0, 0]]), (6, 1))
    assert float(imbalance(routes(one_sided, 1, False))) == pytest.approx(4, abs=0.01)
    assert float(imbalance(routes(jnp.zeros((5, 4)), 2, True))) == pytest.approx(2)


def test_imbalance_is_the_formula() -> None:
    found = routes(LOGITS, 2, True)
    experts, probs = np.asarray(found.experts), np.asarray(found.probs)
    shares = [(experts == expert).sum() / 12 for expert in range(4)]
    expected = 4 * sum(shares[expert] * probs[:, expert].mean() for expert in range(4))
    np.testing.assert_allclose(imbalance(found), expected, rtol=1e-5)


def test_squared_size_is_the_formula() -> None:
    expected = (np.log(np.exp(LOGITS).sum(-1)) ** 2).mean()
    np.testing.assert_allclose(squared_size(LOGITS), expected, rtol=1e-5)


def test_no_tokens_make_no_loss() -> None:
    assert float(imbalance(routes(LOGITS[:0], 2, True))) == 0
    assert float(squared_size(LOGITS[:0])) == 0
