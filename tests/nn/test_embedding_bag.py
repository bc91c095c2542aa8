"""EmbeddingBag: the three reductions, bags of different sizes, and what it refuses."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, RangeError, ShapeError, UnknownNameError

IDS = np.array([[1, 2, 0], [3, 3, 6]])


def build(mode: str = "sum", **options: Any) -> nn.EmbeddingBag:
    return nn.EmbeddingBag(7, 4, mode=mode, **options).init(0)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3), (0, 3)])
def test_it_reduces_the_last_axis(mode: str, shape: tuple[int, ...]) -> None:
    layer = build(mode)
    ids = np.arange(int(np.prod(shape))).reshape(shape) % 7
    np.testing.assert_allclose(
        layer(ids), getattr(np, mode)(np.asarray(layer.embedding)[ids], -2), atol=1e-6
    )


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_padding_and_mask_leave_the_same_out(mode: str) -> None:
    padded, masked = build(mode, padding_id=0), build(mode)
    np.testing.assert_array_equal(padded(IDS), masked(IDS, mask=IDS != 0))
    few = padded(np.array([[5, 0, 0]]))
    np.testing.assert_allclose(few[0], padded.embedding[5], atol=1e-6)
    both = padded(IDS, mask=np.array([[True, False, True]]))
    np.testing.assert_allclose(both[0], padded.embedding[1], atol=1e-6)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_an_empty_bag_is_zeros_with_finite_gradients(mode: str) -> None:
    layer = build(mode, padding_id=0)
    empty = np.zeros((2, 3), int)
    np.testing.assert_array_equal(layer(empty), np.zeros((2, 4)))
    np.testing.assert_array_equal(layer(np.zeros((2, 0), int)), np.zeros((2, 4)))
    gradient = tx.grad(lambda m: m(empty).sum())(layer).embedding
    np.testing.assert_array_equal(gradient, np.zeros((7, 4)))


def test_weights_multiply() -> None:
    layer = build()
    weights = np.array([[1.0, -2.0, 0.5], [0.0, 1.0, 3.0]], np.float32)
    expected = (np.asarray(layer.embedding)[IDS] * weights[..., None]).sum(1)
    np.testing.assert_allclose(layer(IDS, weights), expected, atol=1e-6)
    assert build(param_dtype="bfloat16")(IDS, weights).dtype == jnp.float32


def test_ids_outside_the_table() -> None:
    layer = build()
    with pytest.raises(RangeError, match="`ids` from 0 to 6"):
        layer(np.array([[7, 0]]))
    y = jax.jit(lambda ids: layer(ids))(jnp.array([[7, 0], [1, 2]]))
    assert jnp.isnan(y[0]).all()
    assert jnp.isfinite(y[1]).all()


def test_what_is_refused() -> None:
    layer = build()
    with pytest.raises(UnknownNameError, match=r"the name of a reduction .*Did you mean 'sum'"):
        nn.EmbeddingBag(7, 4, mode="sums")
    with pytest.raises(ArgumentError, match="no `weights` with mode='mean'"):
        build("mean")(IDS, np.ones((2, 3)))
    with pytest.raises(ArgumentError, match="`mask` to be bool"):
        layer(IDS, mask=np.ones((2, 3)))
    with pytest.raises(ArgumentError, match="integer `ids`"):
        layer(np.ones((2, 3)))
    for call in (
        lambda: layer(np.array(1)),
        lambda: layer(IDS, np.ones(3)),
        lambda: layer(IDS, mask=np.ones(3, bool)),
    ):
        with pytest.raises(ShapeError, match=r"`ids` of shape \(..., bag\), with `weights` and"):
            call()
    for name in ("num_embeddings", "features"):
        with pytest.raises(ArgumentError, match=f"`{name}` to be an integer of at least 1"):
            nn.EmbeddingBag(**{"num_embeddings": 7, "features": 4, name: 0})
