"""Stacks: layers one after the other, the last norm, dtypes, and decoding token by token."""

from typing import Any

import jax
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 4)).astype(np.float32)
CONTEXT = RNG.normal(size=(2, 3, 4)).astype(np.float32)


def encoder(num_layers: int = 3, *, remat: bool = False, **options: Any) -> Any:
    layer = nn.TransformerEncoderLayer(2, 8, **options)
    return nn.TransformerEncoder(layer, num_layers, remat=remat).init(0, X)


@pytest.mark.parametrize("remat", [False, True])
def test_an_encoder_is_its_layers_and_a_norm(remat: bool) -> None:
    model = encoder(causal=True, remat=remat)

    def by_hand(model: Any, x: jax.Array) -> jax.Array:
        for layer in model.layers.unstacked():
            x = layer(x)
        return model.norm(x)

    np.testing.assert_allclose(tx.jit(model)(X), tx.jit(by_hand)(model, X), rtol=1e-5, atol=1e-6)


def test_a_decoder_is_its_layers_and_a_norm() -> None:
    model: Any = nn.TransformerDecoder(nn.TransformerDecoderLayer(2, 8), 2).init(0, (X, CONTEXT))

    def by_hand(model: Any, x: jax.Array) -> jax.Array:
        for layer in model.layers.unstacked():
            x = layer(x, CONTEXT)
        return model.norm(x)

    y = tx.jit(by_hand)(model, X)
    np.testing.assert_allclose(tx.jit(model)(X, CONTEXT), y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("norm_first", "final_norm", "expected"),
    [(True, None, True), (False, None, False), (True, False, False), (False, True, True)],
)
def test_the_last_norm(norm_first: bool, final_norm: bool | None, expected: bool) -> None:
    layer = nn.TransformerEncoderLayer(2, 8, norm_first=norm_first, norm=nn.LayerNorm(epsilon=0.1))
    model = nn.TransformerEncoder(layer, 2, final_norm=final_norm)
    assert (model.norm is not None) is expected
    assert model.norm is None or model.norm.epsilon == 0.1


def test_masks_and_positions_reach_every_layer() -> None:
    model = encoder(rotary=nn.RotaryEmbedding())
    run, times = tx.jit(model), np.arange(5)
    y = run(X, (times < 3)[None, None], times)
    np.testing.assert_allclose(y[:, :3], run(X[:, :3]), rtol=1e-5, atol=1e-5)
    assert not np.allclose(run(X, None, times * 2), run(X), atol=1e-4)


@pytest.mark.parametrize("x_dtype", ["bfloat16", "float32", "int32"])
@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_layers_hand_on_one_dtype(x_dtype: str, dtype: str | None) -> None:
    model = encoder(dtype=dtype)
    assert tx.jit(model)(X.astype(x_dtype)).dtype == (dtype or "float32")


@pytest.mark.parametrize("options", [{}, {"rotary": nn.RotaryEmbedding()}, {"num_kv_heads": 1}])
def test_decoding_token_by_token_gives_what_one_call_gives(options: dict[str, Any]) -> None:
    model = encoder(causal=True, **options)
    whole = tx.jit(model)(X)
    nn.start_cache(model, 2, 5)
    step = tx.jit(model)
    parts = [step(X[:, :2]), *(step(X[:, t : t + 1]) for t in range(2, 5))]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-4, atol=1e-5)
    nn.clear_cache(model)
    np.testing.assert_allclose(tx.jit(model)(X), whole, rtol=1e-6)


def test_a_decoder_decodes_token_by_token_beside_its_context() -> None:
    model: Any = nn.TransformerDecoder(nn.TransformerDecoderLayer(2, 8), 2).init(0, (X, CONTEXT))
    whole = tx.jit(model)(X, CONTEXT)
    nn.start_cache(model, 2, 5)
    step = tx.jit(model)
    parts = [step(X[:, t : t + 1], CONTEXT) for t in range(5)]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-4, atol=1e-5)


def test_the_program_does_not_grow_with_the_number_of_layers() -> None:
    def size(num_layers: int) -> int:
        return str(tx.make_jaxpr(encoder(num_layers))(X)).count(" = ")

    assert size(2) == size(9)


def test_experts_in_every_layer_log_their_losses() -> None:
    layer = nn.TransformerEncoderLayer(2, feed_forward=nn.MoE(nn.SwiGLU(4), 3))
    model: Any = nn.TransformerEncoder(layer, 2).init(0, X)
    tx.jit(model)(X)
    assert (model.layers.block.feed_forward.balance_loss > 0).all()


@pytest.mark.parametrize(
    ("make", "layer", "message"),
    [
        (nn.TransformerEncoder, nn.Linear(3), "`layer` to be a `TransformerEncoderLayer`"),
        (nn.TransformerEncoder, nn.TransformerDecoderLayer(2, 4), "`TransformerEncoderLayer`"),
        (nn.TransformerDecoder, nn.TransformerEncoderLayer(2, 4), "`TransformerDecoderLayer`"),
    ],
)
def test_other_layers_are_refused(make: Any, layer: tx.Module, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make(layer, 2)


def test_an_initialised_layer_is_refused() -> None:
    layer = nn.TransformerEncoderLayer(2, 8).init(0, X)
    with pytest.raises(ArgumentError, match="one with data in `attention/query/kernel`"):
        nn.TransformerEncoder(layer, 2)
