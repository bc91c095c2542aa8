"""Decoding: step by step equals one call over everything, and the cache has an end."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, RangeError, ShapeError

X = np.random.default_rng(0).normal(size=(2, 6, 8)).astype(np.float32)

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "grouped": {"num_kv_heads": 2},
    "one for all": {"num_kv_heads": 1, "qk_norm": True},
    "window": {"window": (2, 0)},
    "rotary": {"rotary": nn.RotaryEmbedding(), "window": 3},
    "alibi": {"position_bias": nn.ALiBi(4)},
    "t5": {"position_bias": nn.RelativePositionBias(4, num_buckets=4, bidirectional=False)},
}


def build(x: jax.Array = X, **options: Any) -> nn.MultiHeadAttention:
    return nn.MultiHeadAttention(4, causal=True, **options).init(0, x)


@pytest.mark.parametrize(
    ("name", "compiled"), [*((name, True) for name in OPTIONS), ("plain", False)]
)
def test_prompt_and_steps_equal_one_call(name: str, compiled: bool) -> None:
    layer = build(**OPTIONS[name])
    whole = tx.jit(layer)(X)
    layer.start_cache(2, 8)
    call = tx.jit(layer) if compiled else layer
    parts = [call(X[:, :3])] + [call(X[:, t : t + 1]) for t in range(3, 6)]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, atol=1e-5)
    assert int(layer.cache_index) == 6
    layer.clear_cache()
    np.testing.assert_allclose(tx.jit(layer)(X), whole, atol=1e-6)


@pytest.mark.parametrize("batch", [(), (1, 2)])
def test_any_number_of_batch_axes(batch: tuple[int, ...]) -> None:
    x = X[0] if not batch else X[None]
    layer = build(x)
    whole = tx.jit(layer)(x)
    layer.start_cache(batch, 6)
    assert layer.cached_key.shape == (*batch, 6, 4, 2)
    step = tx.jit(layer)
    parts = [step(x[..., :2, :]), step(x[..., 2:, :])]
    np.testing.assert_allclose(np.concatenate(parts, -2), whole, atol=1e-5)


def test_steps_are_traced_once() -> None:
    traces: list[int] = []

    class Traced(tx.Module):
        def __init__(self) -> None:
            self.attention = nn.MultiHeadAttention(4, causal=True, rotary=nn.RotaryEmbedding())

        def __call__(self, x: jax.Array) -> jax.Array:
            traces.append(1)
            return self.attention(x)

    model = Traced().init(0, X)
    nn.start_cache(model, 2, 6)
    step = tx.jit(model)
    traces.clear()
    for t in range(6):
        step(X[:, t : t + 1])
    assert len(traces) == 1


def test_the_cache_is_state_of_its_kind_and_absent_before_and_after() -> None:
    layer = build()
    assert not list(layer.fields(tx.Cache))
    layer.start_cache(2, 4)
    assert list(layer.state_dict(tx.Cache)) == ["cached_key", "cached_value", "cache_index"]
    assert layer.cached_key.dtype == jnp.float32
    layer.clear_cache()
    assert not list(layer.fields(tx.Cache))


def test_starting_again_forgets() -> None:
    layer = build()
    layer.start_cache(2, 6)
    first = layer(X[:, :2])
    layer(X[:, 2:5])
    layer.start_cache(2, 6)
    np.testing.assert_array_equal(layer(X[:, :2]), first)


def test_masks_reach_over_the_whole_cache() -> None:
    layer = build()
    mask = jnp.arange(6) != 1
    call = tx.jit(layer)
    whole = call(X, mask=mask)
    layer.start_cache(2, 6)
    parts = [call(X[:, t : t + 1], mask=mask) for t in range(6)]
    np.testing.assert_allclose(jnp.concatenate(parts, 1), whole, atol=1e-5)
    with pytest.raises(ShapeError, match="While decoding, context_time is the length of the cache"):
        layer.start_cache(2, 7) or layer(X[:, :1], mask=mask)


def test_positions_of_ones_own_are_kept_with_the_keys() -> None:
    layer = build(rotary=nn.RotaryEmbedding())
    positions = jnp.array([0, 2, 3, 7, 8, 20])
    call = tx.jit(layer)
    whole = call(X, positions=positions)
    layer.start_cache(2, 6)
    parts = [call(X[:, t : t + 1], positions=positions[t : t + 1]) for t in range(6)]
    np.testing.assert_allclose(jnp.concatenate(parts, 1), whole, atol=1e-5)


def test_positions_of_ones_own_are_refused_with_a_bias_of_positions() -> None:
    layer = build(position_bias=nn.ALiBi(4))
    layer.start_cache(2, 6)
    with pytest.raises(ArgumentError, match="no `positions` while decoding with a `position_bias`"):
        layer(X[:, :1], positions=jnp.array([3]))


def test_calls_with_a_context_leave_the_cache_alone() -> None:
    layer = build()
    expected = layer(X, X[:, :2])
    layer.start_cache(2, 6)
    np.testing.assert_array_equal(layer(X, X[:, :2]), expected)
    assert int(layer.cache_index) == 0


def test_past_the_end_is_refused_before_anything_is_written() -> None:
    layer = build(dropout_rate=0.5)
    layer.start_cache(2, 4)
    layer(X[:, :3])
    before = layer.state_dict()
    message = "at most max_length=4 tokens in the cache, received 2 more after 3. Call"
    with pytest.raises(RangeError, match=message):
        layer(X[:, :2])
    after = layer.state_dict()
    assert all(before[path] is after[path] for path in before)


def test_past_the_end_is_nan_under_tracing() -> None:
    layer = build()
    layer.start_cache(2, 4)
    step = tx.jit(layer)
    assert jnp.isfinite(step(X[:, :3])).all()
    assert jnp.isfinite(step(X[:, 3:4])).all()
    assert jnp.isnan(step(X[:, 4:5])).all()
    with pytest.raises(RangeError, match="at most max_length=4 tokens in the cache, received 5"):
        tx.jit(layer)(X[:, :5])


def test_another_batch_is_refused() -> None:
    layer = build()
    layer.start_cache(3, 4)
    with pytest.raises(ShapeError, match=r"the batch axes of `x` to be \(3,\)"):
        layer(X[:, :1])


def test_what_cannot_be_started() -> None:
    layer = build()
    with pytest.raises(ArgumentError, match="`max_length` to be an integer of at least 1"):
        layer.start_cache(2, 0)
    for batch in (1.5, "a", (2, -1), None):
        with pytest.raises(ArgumentError, match="`batch_size` to be an integer, or a tuple"):
            layer.start_cache(batch, 4)
    with pytest.raises(NotInitializedError, match="Projection: expected an initialised module"):
        nn.MultiHeadAttention(2, causal=True).start_cache(2, 4)
    with pytest.raises(ArgumentError, match="expected a layer with causal=True"):
        nn.MultiHeadAttention(4).init(0, X).start_cache(2, 4)
    assert layer.cached_key is None
