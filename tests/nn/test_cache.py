"""Caches of whole models: every layer once, also those of `Repeated`, and nothing else."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.budget import ALL_LAWS
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, RangeError

X = np.random.default_rng(0).normal(size=(2, 5, 8)).astype(np.float32)


class Block(tx.Module):
    def __init__(self) -> None:
        self.attention = nn.MultiHeadAttention(4, causal=True, rotary=nn.RotaryEmbedding())
        self.across = nn.MultiHeadAttention(2)
        self.norm = nn.LayerNorm()
        self.dropout = nn.Dropout(0.1)

    def __call__(self, x: jax.Array, context: Any = None) -> jax.Array:
        x = x + self.dropout(self.attention(self.norm(x)))
        return x if context is None else x + self.across(x, context)


def model(*blocks: tx.Module) -> Any:
    return nn.Sequential(nn.LearnedPositions(6), *blocks).init(0, X).eval()


def decode(model: Any, call: Any) -> np.ndarray:
    nn.start_cache(model, 2, 6)
    parts = [call(X[:, :2])] + [call(X[:, t : t + 1]) for t in range(2, 5)]
    nn.clear_cache(model)
    return np.concatenate(parts, 1)


BLOCKS: dict[str, Any] = {
    "sequence": lambda: [Block(), Block()],
    "repeated": lambda: [nn.Repeated(Block(), 3)],
    "repeated twice": lambda: [nn.Repeated(nn.Repeated(Block(), 2), 2)],
}
EAGER = list(BLOCKS) if ALL_LAWS else ["repeated"]


@pytest.mark.parametrize(
    ("name", "compiled"), [*((name, True) for name in BLOCKS), *((name, False) for name in EAGER)]
)
def test_steps_equal_one_call(name: str, compiled: bool) -> None:
    whole = model(*BLOCKS[name]())
    expected = tx.jit(whole)(X)
    np.testing.assert_allclose(
        decode(whole, tx.jit(whole) if compiled else whole), expected, atol=1e-5
    )
    assert not list(whole.fields(tx.Cache))


def test_every_repeated_block_has_a_cache_and_nothing_is_traced_again() -> None:
    traces: list[int] = []

    class Traced(Block):
        def __call__(self, x: jax.Array, context: Any = None) -> jax.Array:
            traces.append(1)
            return super().__call__(x, context)

    repeated = model(nn.Repeated(Traced(), 3))
    nn.start_cache(repeated, 2, 6)
    caches = {path: value.shape for path, value in repeated.state_dict(tx.Cache).items()}
    assert caches == {
        "layers/0/cache_index": (),
        "layers/1/block/attention/cached_key": (3, 2, 6, 4, 2),
        "layers/1/block/attention/cached_value": (3, 2, 6, 4, 2),
        "layers/1/block/attention/cache_index": (3,),
    }
    step = tx.jit(repeated)
    step(X[:, :1])
    traced = len(traces)
    for t in range(1, 5):
        step(X[:, t : t + 1])
    assert len(traces) == traced
    np.testing.assert_array_equal(repeated.layers[1].block.attention.cache_index, [5, 5, 5])


def test_a_shared_layer_is_asked_once() -> None:
    asked: list[Any] = []

    class Keeper(tx.Module):
        seen: Any = tx.Cache.node()

        def __init__(self) -> None:
            self.seen = None

        def start_cache(self, batch_size: Any, max_length: Any) -> None:
            asked.append((batch_size, max_length))
            self.seen = jnp.zeros(3)

        def clear_cache(self) -> None:
            self.seen = None

        def __call__(self, x: Any) -> Any:
            return x

    keeper = Keeper()
    both = nn.Sequential(keeper, nn.Sequential(keeper))
    nn.start_cache(both, 2)
    assert asked == [(2, None)]
    nn.clear_cache(both)
    assert keeper.seen is None


def test_attention_in_both_directions_is_left_as_it_is() -> None:
    block = Block().init(0, (X, X)).eval()
    nn.start_cache(block, 2, 6)
    assert block.attention.cached_key is not None
    assert block.across.cached_key is None
    assert block(X[:, :1], X).shape == (2, 1, 8)


def test_a_model_without_a_layer_that_decodes_is_refused() -> None:
    for layer in (nn.Linear(8), nn.Repeated(nn.Linear(8), 2), nn.MultiHeadAttention(2)):
        with pytest.raises(ArgumentError, match="start_cache: expected a model with a layer that"):
            nn.start_cache(layer.init(0, X), 2, 6)
    nn.clear_cache(nn.Linear(8).init(0, X))


def test_attention_needs_a_length_and_parameters() -> None:
    block = Block().init(0, X)
    with pytest.raises(ArgumentError, match="`max_length` to be an integer of at least 1"):
        nn.start_cache(block, 2)
    with pytest.raises(NotInitializedError, match="created yet"):
        nn.start_cache(Block(), 2, 6)


def test_positions_stop_the_tokens_that_have_no_place() -> None:
    whole = model(nn.Repeated(Block(), 2))
    nn.start_cache(whole, 2, 6)
    whole(X)
    before = whole.state_dict()
    with pytest.raises(RangeError, match=r"LearnedPositions at layers/0: .* 2 more after 5"):
        whole(X[:, :2])
    assert all(before[path] is value for path, value in whole.state_dict().items())
