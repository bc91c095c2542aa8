"""Tables against PyTorch: values and gradients to 1e-5 in float32."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.parity.compare import assert_close, set_parameter
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")


def against(ours: Any, theirs: Any, ids: np.ndarray, *weights: np.ndarray) -> None:
    set_parameter(theirs, "weight", ours.embedding)
    expected = theirs(torch.tensor(ids), *([None] * bool(weights)), *map(torch.tensor, weights))
    factors = np.linspace(-1, 1, expected.numel(), dtype=np.float32).reshape(expected.shape)
    (expected * torch.tensor(factors)).sum().backward()
    assert_close(ours(ids, *weights), expected)
    gradients = tx.grad(lambda m: (m(ids, *weights) * factors).sum())(ours)
    assert_close(gradients.embedding, theirs.weight.grad)


@settings(max_examples=examples(12))
@given(
    ids=st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=1, max_size=3),
    mode=st.sampled_from(["sum", "mean", "max"]),
    padding=st.sampled_from([None, 0, 3]),
    weighted=st.booleans(),
)
def test_embedding_bag(
    ids: list[list[int]], mode: str, padding: int | None, weighted: bool
) -> None:
    bags = np.array(ids)
    weights = np.asarray(jax.random.normal(jax.random.key(1), bags.shape))
    ours = nn.EmbeddingBag(6, 3, mode=mode, padding_id=padding).init(0)
    theirs = torch.nn.EmbeddingBag(6, 3, mode=mode, padding_idx=padding)
    against(ours, theirs, bags, *([weights] if weighted and mode == "sum" else []))


def test_embedding_with_padding() -> None:
    ours = nn.Embed(6, 3, padding_id=2).init(0)
    ours.embedding = ours.embedding.at[2].set(0)
    ids = np.array([[0, 2, 5], [2, 2, 1]])
    against(ours, torch.nn.Embedding(6, 3, padding_idx=2), ids)
    assert jnp.all(ours(ids)[0, 1] == 0)
