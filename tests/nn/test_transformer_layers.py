"""Transformer layers: the order of norms and sums, what they are built of, and what they refuse."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (2, 5, 4))
CONTEXT = jax.random.normal(jax.random.key(1), (2, 3, 6))


@pytest.mark.parametrize("norm_first", [True, False])
def test_an_encoder_layer_is_two_parts_with_shortcuts(norm_first: bool) -> None:
    layer: Any = nn.TransformerEncoderLayer(2, 8, norm_first=norm_first).init(0, X)

    def by_hand(layer: Any, x: jax.Array) -> jax.Array:
        if norm_first:
            h = x + layer.attention(layer.attention_norm(x))
            return h + layer.feed_forward(layer.feed_forward_norm(h))
        h = layer.attention_norm(x + layer.attention(x))
        return layer.feed_forward_norm(h + layer.feed_forward(h))

    expected = tx.jit(by_hand)(layer, X)
    np.testing.assert_allclose(tx.jit(layer)(X), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_decoder_layer_is_three_parts_with_shortcuts(norm_first: bool) -> None:
    layer: Any = nn.TransformerDecoderLayer(2, 8, norm_first=norm_first).init(0, (X, CONTEXT))

    def by_hand(layer: Any, y: jax.Array) -> jax.Array:
        parts = [
            (layer.self_attention_norm, layer.self_attention),
            (layer.cross_attention_norm, lambda x: layer.cross_attention(x, CONTEXT)),
            (layer.feed_forward_norm, layer.feed_forward),
        ]
        for norm, part in parts:
            y = y + part(norm(y)) if norm_first else norm(y + part(y))
        return y

    y = tx.jit(by_hand)(layer, X)
    np.testing.assert_allclose(tx.jit(layer)(X, CONTEXT), y, rtol=1e-5, atol=1e-6)


def test_a_decoder_layer_does_not_look_ahead() -> None:
    layer: Any = nn.TransformerDecoderLayer(2, 8).init(0, (X, CONTEXT))
    changed = X.at[:, 3].set(X[:, 3, ::-1])
    run = tx.jit(layer)
    y, other = (np.asarray(run(x, CONTEXT)) for x in (X, changed))
    np.testing.assert_allclose(y[:, :3], other[:, :3], rtol=1e-5, atol=1e-6)
    assert (y[:, 3:] != other[:, 3:]).any(-1).all()


def test_masks_reach_their_attention() -> None:
    layer: Any = nn.TransformerDecoderLayer(2, 8).init(0, (X, CONTEXT))
    run = tx.jit(layer)
    shown = np.array([True, True, False])[None, None]
    y = run(X, CONTEXT, None, shown)
    np.testing.assert_allclose(y, run(X, CONTEXT[:, :2]), rtol=1e-5, atol=1e-6)
    itself = np.eye(5, dtype=bool)
    alone = np.asarray(run(X, CONTEXT, itself))
    one = run(X[:, 2:3], CONTEXT)
    np.testing.assert_allclose(alone[:, 2:3], one, rtol=1e-5, atol=1e-6)
    assert (alone != run(X, CONTEXT)).any()


def test_positions_and_options_reach_the_attention() -> None:
    rotary = nn.RotaryEmbedding()
    layer: Any = nn.TransformerEncoderLayer(2, 8, rotary=rotary, num_kv_heads=1).init(0, X)
    assert layer.attention.key.kernel.shape == (4, 2)
    np.testing.assert_allclose(layer(X, None, jnp.arange(5)), layer(X), rtol=1e-5)
    assert not np.allclose(layer(X, None, 2 * jnp.arange(5)), layer(X), atol=1e-4)


def test_another_feed_forward_and_norm() -> None:
    layer: Any = nn.TransformerEncoderLayer(
        2, feed_forward=nn.MoE(nn.SwiGLU(4), 3), norm="rms", use_bias=False
    ).init(0, X)
    assert tx.jit(layer)(X).shape == X.shape
    assert not [path for path in layer.state_dict() if path.endswith("bias")]
    assert float(layer.feed_forward.balance_loss) > 0


def test_a_norm_is_copied_for_every_place() -> None:
    norm = nn.LayerNorm(epsilon=1e-3)
    layer: Any = nn.TransformerDecoderLayer(2, 8, norm=norm).init(0, (X, CONTEXT))
    norms = [layer.self_attention_norm, layer.cross_attention_norm, layer.feed_forward_norm]
    assert len({id(norm) for norm in norms}) == 3
    assert {norm.epsilon for norm in norms} == {1e-3}


def test_dropout_in_training_only() -> None:
    layer: Any = nn.TransformerEncoderLayer(2, 8, dropout_rate=0.5).init(0, X)
    assert len(list(layer.fields(tx.Rng))) == 3
    assert (layer(X) != layer(X)).any()
    still = layer.eval()
    np.testing.assert_array_equal(still(X), still(X))


def test_dropping_everything_leaves_the_shortcut() -> None:
    layer: Any = nn.TransformerEncoderLayer(2, 8, dropout_rate=1.0).init(0, X)
    np.testing.assert_array_equal(layer(X), X)


@pytest.mark.parametrize("make", [nn.TransformerEncoderLayer, nn.TransformerDecoderLayer])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ArgumentError, "one of `hidden` and `feed_forward`, received hidden=None"),
        ({"hidden": 4, "feed_forward": nn.SwiGLU(4)}, ArgumentError, "one of `hidden` and"),
        ({"feed_forward": jnp.tanh}, ArgumentError, "`feed_forward` to be a module that is not"),
        ({"hidden": 4, "norm": "layers"}, UnknownNameError, "Did you mean 'layer'"),
        ({"hidden": 4, "norm": 3}, ArgumentError, "`norm` to be a module that is not initialised"),
        ({"hidden": 4, "dropout_rate": 2}, ArgumentError, "`dropout_rate` to be a number from 0"),
        ({"hidden": 4, "dtype": "int8"}, ArgumentError, "`dtype` to be a floating dtype"),
    ],
)
def test_arguments_are_checked(
    make: type, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(2, **options)
