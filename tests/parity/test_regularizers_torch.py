"""Regularizers and constraints against PyTorch: values and gradients, to 1e-5 in float32."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.parity.compare import assert_close
from treexlite import constraints, regularizers

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

SHAPE = (4, 3)


def both(seed: int) -> tuple[jax.Array, Any]:
    x = np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)
    return jnp.asarray(x), torch.tensor(x, requires_grad=True)


def assert_same_penalty(ours: Any, theirs: Any, seed: int) -> None:
    x, tensor = both(seed)
    value, gradient = jax.value_and_grad(ours)(x)
    expected = theirs(tensor)
    expected.backward()
    assert_close(value, expected)
    assert_close(gradient, tensor.grad)


@settings(max_examples=examples(10))
@given(seed=st.integers(0, 99))
def test_penalties(seed: int) -> None:
    norm, eye = torch.linalg.norm, torch.eye(3)
    softmax = torch.distributions.Categorical
    cases: list[tuple[Any, Any]] = [
        (regularizers.L1(0.5), lambda w: 0.5 * w.abs().sum()),
        (regularizers.L2(0.5), lambda w: 0.5 * w.square().sum()),
        (regularizers.Spectral(0.5), lambda w: 0.5 * norm(w, 2) ** 2),
        (regularizers.Orthonormal(0.5), lambda w: 0.5 * norm(w.T @ w - eye) ** 2),
        (regularizers.GroupLasso(0.5), lambda w: norm(w, dim=0).sum()),  # the root of 4 is 2
        (regularizers.Entropy(0.5), lambda w: 0.5 * softmax(logits=w).entropy().mean()),
    ]
    for ours, theirs in cases:
        assert_same_penalty(ours, theirs, seed)


def test_l1_at_zero() -> None:
    tensor = torch.zeros(3, requires_grad=True)
    tensor.abs().sum().backward()
    np.testing.assert_array_equal(jax.grad(regularizers.l1)(jnp.zeros(3)), tensor.grad)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_weight_decay_is_twice_the_strength(name: str) -> None:
    x, tensor = both(0)
    theirs = getattr(torch.optim, name)([tensor], lr=0.1, weight_decay=0.2)
    ours = tx.Optimizer({"SGD": optax.sgd, "Adam": optax.adam}[name](0.1)).init({"w": x})
    params = {"w": x}

    def loss(params: dict[str, jax.Array]) -> jax.Array:
        return jnp.sum(jnp.sin(params["w"])) + regularizers.L2(0.1)(params)

    for _ in range(3):
        params = ours.update(jax.grad(loss)(params), params)
        theirs.zero_grad()
        torch.sin(tensor).sum().backward()
        theirs.step()
    assert_close(params["w"], tensor)


@settings(max_examples=examples(10))
@given(seed=st.integers(0, 99), limit=st.floats(0.125, 4, width=32), last=st.booleans())
def test_max_norm_is_renorm(seed: int, limit: float, last: bool) -> None:
    x, tensor = both(seed)
    ours = constraints.max_norm(x, limit, axis=0 if last else 1)
    assert_close(ours, torch.renorm(tensor, 2, 1 if last else 0, limit))


def test_rows_of_an_embedding() -> None:
    x, tensor = both(0)
    theirs = torch.nn.Embedding(*SHAPE, max_norm=1.0, _weight=tensor.detach())
    theirs(torch.arange(SHAPE[0]))  # looks every row up, and shortens it
    layer = tx.nn.Embed(*SHAPE).init(0, jnp.zeros(1, int))
    layer.embedding = x
    layer.constraint = constraints.MaxNorm(1.0, axis=-1, which="embedding")
    assert_close(constraints.apply(layer).embedding, theirs.weight)


def test_unit_norm_and_clipping() -> None:
    x, tensor = both(1)
    assert_close(constraints.unit_norm(x), torch.nn.functional.normalize(tensor, dim=0))
    assert_close(constraints.clip_weights(x, 0.5), tensor.detach().clamp(-0.5, 0.5))
