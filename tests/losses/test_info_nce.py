"""InfoNCE."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite._errors import ArgumentError, ShapeError, StructureError
from treexlite.losses import InfoNCE, info_nce

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 5, 3)).astype(np.float32)


def unit(x: np.ndarray) -> np.ndarray:
    return np.float64(x) / np.linalg.norm(x, axis=-1, keepdims=True)


def surprise(logits: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Minus the log of the softmax of each row, in NumPy at double precision."""
    return np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(logits)), at]


def expected(a: np.ndarray, b: np.ndarray, symmetric: bool) -> np.ndarray:
    logits, places = unit(a) @ unit(b).T / 0.5, np.arange(len(a))
    one = surprise(logits, places)
    return (one + surprise(logits.T, places)) / 2 if symmetric else one


@pytest.mark.parametrize("symmetric", [False, True])
@settings(max_examples=examples(10), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_queries_find_their_keys_among_those_present(symmetric: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 5, 3)).astype(np.float32)
    there = rng.uniform(size=5) < 0.6
    options = {"temperature": 0.5, "symmetric": symmetric}
    np.testing.assert_allclose(
        info_nce(None, (a, b), **options),
        expected(a, b, symmetric),
        rtol=1e-5,
        atol=1e-6,
    )
    values = info_nce(None, (a, b), **options, mask=there)[there]
    wanted = expected(a[there], b[there], symmetric)
    np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)


def test_absent_examples_are_no_negatives() -> None:
    mask = np.array([1, 1, 1, 0, 0])
    value, gradient = jax.value_and_grad(lambda x: InfoNCE()(None, (x, B), mask=mask))(A)
    wanted, wanted_gradient = jax.value_and_grad(lambda x: InfoNCE()(None, (x, B[:3])))(A[:3])
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_allclose(gradient[:3], wanted_gradient, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(gradient[3:], 0)


def test_without_normalization_the_scale_of_embeddings_counts() -> None:
    scaled = info_nce(None, (4 * unit(A), unit(B)), temperature=1.0, normalize=False)
    wanted = info_nce(None, {"query": A, "key": B}, temperature=0.25)
    np.testing.assert_allclose(scaled, wanted, rtol=1e-5)


def test_the_temperature_can_be_learned() -> None:
    def loss(temperature: Any) -> jax.Array:
        return info_nce(None, (A, B), temperature=temperature).sum()

    slope = (loss(0.5 + 1e-2) - loss(0.5 - 1e-2)) / 2e-2
    np.testing.assert_allclose(jax.grad(loss)(0.5), slope, rtol=1e-2)


def test_a_pair_alone_has_nothing_to_be_told_from() -> None:
    assert info_nce(None, (A[:1], B[:1])) == 0


def test_embeddings_of_zeros_have_a_finite_gradient() -> None:
    gradient = jax.grad(lambda x: info_nce(None, (x, B)).sum())(jnp.zeros_like(A))
    assert np.isfinite(gradient).all()


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StructureError, match=r"info_nce: expected `preds` to be a tup"):
        info_nce(None, A)
    with pytest.raises(ShapeError, match=r"info_nce: expected .* of one shape"):
        info_nce(None, (A, B[:2]))
    with pytest.raises(ShapeError, match=r"expected a mask \(or weights\) of shape \(5,\)"):
        info_nce(None, (A, B), mask=np.ones(4))
    with pytest.raises(ArgumentError, match="expected `temperature` to be a finite number above 0"):
        info_nce(None, (A, B), temperature=0.0)
    with pytest.raises(ArgumentError, match="InfoNCE: expected `temperature`"):
        InfoNCE(temperature=0.0)
