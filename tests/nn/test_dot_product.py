"""The weighted mean of values: who may look at whom, and what is left when nobody may."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite.nn._dot_product import Visible, attend


def arrays(time: int = 4, context_time: int = 4, batch: tuple[int, ...] = (2,)) -> list[jax.Array]:
    shapes = [(*batch, time, 2, 3), (*batch, context_time, 2, 3), (*batch, context_time, 2, 3)]
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes]


def keep(weights: jax.Array) -> jax.Array:
    return weights


@pytest.mark.parametrize(
    ("visible", "seen"),
    [
        (Visible(causal=True), [[1, 0, 0], [1, 1, 0], [1, 1, 1]]),
        (Visible(window=(1, 0)), [[1, 0, 0], [1, 1, 0], [0, 1, 1]]),
        (Visible(window=(0, 1)), [[1, 1, 0], [0, 1, 1], [0, 0, 1]]),
        (Visible(causal=True, window=(0, 9)), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        (Visible(causal=True, start=jnp.array(1)), [[1, 1, 0], [1, 1, 1], [1, 1, 1]]),
    ],
)
@pytest.mark.parametrize("dropout", [None, keep])
def test_what_is_visible(visible: Visible, seen: Any, dropout: Any) -> None:
    np.testing.assert_array_equal(visible.mask(3, 3), np.array(seen, bool))
    given = arrays(3, 3)
    mask = jnp.array(seen, bool)[None, None]
    np.testing.assert_allclose(
        attend(*given, visible=visible, dropout=dropout), attend(*given, mask=mask), atol=1e-6
    )


def test_everything_is_visible_by_default() -> None:
    assert Visible().mask(2, 3) is None


@pytest.mark.parametrize("dropout", [None, keep])
@pytest.mark.parametrize("batch", [(), (2,), (2, 3), (0,)])
def test_masks_and_biases_of_any_batch(batch: tuple[int, ...], dropout: Any) -> None:
    given = arrays(batch=batch)
    query, key, value = (np.asarray(array) for array in given)
    rng = np.random.default_rng(5)
    bias = rng.normal(size=(*batch, 1, 4, 4)).astype(np.float32)
    mask = rng.random((*batch, 2, 1, 4)) < 0.7
    mask[..., 0] = True
    logits = np.einsum("...thd,...shd->...hts", query, key) / np.sqrt(3)
    powers = np.where(mask, np.exp(logits + bias), 0)
    weights = powers / powers.sum(-1, keepdims=True)
    expected = np.einsum("...hts,...shd->...thd", weights, value)
    y = jax.jit(lambda given: attend(*given, mask=mask, bias=bias, dropout=dropout))(given)
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("dropout", [None, keep])
def test_where_nothing_is_visible_there_are_zeros_and_finite_gradients(dropout: Any) -> None:
    given = arrays()
    mask = jnp.ones((1, 1, 4, 4), bool).at[:, :, 1].set(False)

    def total(*given: jax.Array) -> jax.Array:
        y = attend(*given, mask=mask, dropout=dropout)
        return (y**2).sum() + y[:, 1].sum()

    y = np.asarray(attend(*given, mask=mask, dropout=dropout))
    assert (y[:, 1] == 0).all()
    assert (y[:, 0] != 0).all()
    gradients = jax.jit(jax.grad(total, argnums=(0, 1, 2)))(*given)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert (gradients[0][:, 1] == 0).all()


@pytest.mark.parametrize("sizes", [(0, 4), (4, 0)])
def test_no_queries_or_no_keys(sizes: tuple[int, int]) -> None:
    mask = jnp.ones((1, 1, 1, 1), bool)
    y = attend(*arrays(*sizes), mask=jnp.broadcast_to(mask, (1, 1, *sizes)))
    assert y.shape == (2, sizes[0], 2, 3)
    assert (y == 0).all()


def test_queries_past_the_window_over_a_shorter_context_see_nothing() -> None:
    y = attend(*arrays(6, 2), visible=Visible(window=(1, 1)))
    assert (y[:, 3:] == 0).all()
    assert (y[:, :3] != 0).all()


def test_half_precision_has_a_softmax_in_single() -> None:
    given = [array.astype(jnp.bfloat16) for array in arrays(64, 64)]
    wide = attend(*[array.astype(jnp.float32) for array in given])
    for dropout in (None, keep):
        y = attend(*given, dropout=dropout)
        assert y.dtype == jnp.bfloat16
        np.testing.assert_allclose(y.astype(jnp.float32), wide, atol=0.02)


@pytest.fixture
def float64() -> Iterator[None]:
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("causal", [False, True])
def test_float64_keeps_its_digits(causal: bool) -> None:
    query, key, value = (np.asarray(array, np.float64) for array in arrays(3, 3, ()))
    y = attend(*map(jnp.asarray, (query, key, value)), visible=Visible(causal=causal))
    logits = np.einsum("thd,shd->hts", query, key) / np.sqrt(3)
    logits = np.where(np.tri(3, dtype=bool) | (not causal), logits, -np.inf)
    weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(y, np.einsum("hts,shd->thd", weights, value), rtol=1e-12)
