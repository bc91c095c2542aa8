"""NT-Xent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from treexlite._errors import ArgumentError, ShapeError, StructureError
from treexlite.losses import NTXent, nt_xent

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 5, 3)).astype(np.float32)


def expected(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The definition, in NumPy at double precision."""
    x, n = np.float64(np.concatenate([a, b])), len(a)
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    logits = x @ x.T / 0.5
    np.fill_diagonal(logits, -np.inf)
    partners = logits[np.arange(2 * n), np.roll(np.arange(2 * n), n)]
    values = np.log(np.exp(logits).sum(-1)) - partners
    return (values[:n] + values[n:]) / 2


@settings(max_examples=examples(10), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_views_find_their_partners_among_those_present(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 5, 3)).astype(np.float32)
    there = rng.uniform(size=5) < 0.6
    there[0] = True
    values = nt_xent(None, (a, b), temperature=0.5)
    np.testing.assert_allclose(values, expected(a, b), rtol=1e-5, atol=1e-6)
    values = nt_xent(None, (a, b), temperature=0.5, mask=there)[there]
    np.testing.assert_allclose(values, expected(a[there], b[there]), rtol=1e-5, atol=1e-6)


def test_absent_examples_are_no_negatives() -> None:
    mask = np.array([1, 1, 1, 0, 0])
    value, gradient = jax.value_and_grad(lambda x: NTXent()(None, (x, B), mask=mask))(A)
    wanted, wanted_gradient = jax.value_and_grad(lambda x: NTXent()(None, (x, B[:3])))(A[:3])
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_allclose(gradient[:3], wanted_gradient, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(gradient[3:], 0)


def test_views_may_be_named() -> None:
    wanted = nt_xent(None, (A, B))
    np.testing.assert_array_equal(nt_xent(None, {"view_b": B, "view_a": A}), wanted)


def test_a_pair_alone_has_nothing_to_be_told_from() -> None:
    assert nt_xent(None, (A[:1], B[:1])) == 0


def test_embeddings_of_zeros_have_a_finite_gradient() -> None:
    gradient = jax.grad(lambda x: nt_xent(None, (x, B)).sum())(jnp.zeros_like(A))
    assert np.isfinite(gradient).all()


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(StructureError, match=r"nt_xent: expected `preds` to be a tuple"):
        nt_xent(None, A)
    with pytest.raises(ShapeError, match="nt_xent: expected `view_a` and `view_b` of one shape"):
        nt_xent(None, (A, B[:2]))
    with pytest.raises(ShapeError, match=r"nt_xent: expected a mask .* of shape \(5,\)"):
        nt_xent(None, (A, B), mask=np.ones(4))
    with pytest.raises(ArgumentError, match="nt_xent: expected `temperature` to be a finite num"):
        nt_xent(None, (A, B), temperature=0.0)
    with pytest.raises(ArgumentError, match="NTXent: expected `temperature`"):
        NTXent(temperature=0.0)
