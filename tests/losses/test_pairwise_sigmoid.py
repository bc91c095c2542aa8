"""Pairwise sigmoid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite._errors import ArgumentError, ShapeError, StructureError
from treexlite.losses import PairwiseSigmoid, pairwise_sigmoid

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 5, 3)).astype(np.float32)


def expected(a: np.ndarray, b: np.ndarray, bias: float, temperature: float = 0.2) -> np.ndarray:
    """The definition, in NumPy at double precision."""
    a, b = (np.float64(x) / np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
    signs = 2 * np.eye(len(a)) - 1
    return np.log(1 + np.exp(-signs * (a @ b.T / temperature + bias))).sum(-1)


@pytest.mark.parametrize("bias", [0.0, -10.0])
def test_each_pair_is_decided_on_its_own(bias: float) -> None:
    options = {"temperature": 0.2, "bias": bias}
    wanted = expected(A, B, bias)
    np.testing.assert_allclose(pairwise_sigmoid(None, (A, B), **options), wanted, rtol=1e-5)
    loss = PairwiseSigmoid(**options)(None, {"a": A, "b": B})
    np.testing.assert_allclose(loss, wanted.mean(), rtol=1e-5)


def test_absent_examples_are_in_no_pair() -> None:
    mask = np.array([1, 0, 1, 1, 0])
    there = mask == 1
    value, gradient = jax.value_and_grad(lambda x: PairwiseSigmoid()(None, (x, B), mask=mask))(A)
    wanted = expected(A[there], B[there], bias=-10.0, temperature=0.1).mean()
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_array_equal(gradient[~there], 0)


def test_temperature_and_bias_can_be_learned() -> None:
    def loss(temperature: jax.Array, bias: jax.Array) -> jax.Array:
        return pairwise_sigmoid(None, (A, B), temperature=temperature, bias=bias).sum()

    slopes = jax.grad(loss, argnums=(0, 1))(jnp.float32(0.5), jnp.float32(-1))
    step = 1e-2
    for slope, (t, b) in zip(slopes, [(step, 0.0), (0.0, step)], strict=True):
        wanted = (loss(0.5 + t, -1 + b) - loss(0.5 - t, -1 - b)) / (2 * step)
        np.testing.assert_allclose(slope, wanted, rtol=1e-2)


def test_without_normalization_the_scale_of_embeddings_counts() -> None:
    a, b = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (A, B))
    scaled = pairwise_sigmoid(None, (5 * a, b), temperature=1.0, normalize=False)
    np.testing.assert_allclose(scaled, pairwise_sigmoid(None, (A, B), temperature=0.2), rtol=1e-5)


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StructureError, match=r"pairwise_sigmoid: expected `preds` to be a tuple"):
        pairwise_sigmoid(None, A)
    with pytest.raises(ShapeError, match="pairwise_sigmoid: expected `a` and `b` of one shape"):
        pairwise_sigmoid(None, (A, B[:2]))
    with pytest.raises(ArgumentError, match="PairwiseSigmoid: expected `temperature`"):
        PairwiseSigmoid(temperature=0.0)
    with pytest.raises(ArgumentError, match="PairwiseSigmoid: expected `bias` to be a finite num"):
        PairwiseSigmoid(bias=np.inf)
    with pytest.raises(ArgumentError, match="pairwise_sigmoid: expected `temperature`"):
        pairwise_sigmoid(None, (A, B), temperature=-1.0)
