"""MultiHeadAttention: its options, what it leaves alone, and what it refuses."""

import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError

X = jax.random.normal(jax.random.key(0), (2, 5, 8))


def build(num_heads: int = 2, x: jax.Array = X, **options: Any) -> nn.MultiHeadAttention:
    return nn.MultiHeadAttention(num_heads, **options).init(0, x)


def test_what_init_makes() -> None:
    def made() -> Any:
        layer = build(4, head_dim=3, num_kv_heads=2, features=5, qk_norm=True, dropout_rate=0.1)
        return layer.state_dict(tx.Parameter), layer(X)

    state, y = jax.eval_shape(made)
    assert {path: value.shape for path, value in state.items()} == {
        "query/kernel": (8, 12),
        "query/bias": (12,),
        "key/kernel": (8, 6),
        "key/bias": (6,),
        "value/kernel": (8, 6),
        "value/bias": (6,),
        "out/kernel": (12, 5),
        "out/bias": (5,),
        "query_norm/scale": (3,),
        "key_norm/scale": (3,),
    }
    assert y.shape == (2, 5, 5)


@pytest.mark.parametrize("shape", [(5, 8), (2, 5, 8), (2, 3, 5, 8), (0, 5, 8), (2, 0, 8)])
def test_any_number_of_batch_axes(shape: tuple[int, ...]) -> None:
    layer = build(causal=True, window=2, rotary=nn.RotaryEmbedding(), position_bias=nn.ALiBi(2))
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    run = tx.jit(layer)
    y = run(x)
    assert y.shape == shape
    if len(shape) == 4:
        np.testing.assert_allclose(np.asarray(y)[1, 2], run(x[1, 2]), atol=1e-5)


def test_what_is_shared_by_heads_is_as_if_each_had_its_own() -> None:
    few = build(4, num_kv_heads=2, bias_init="normal")
    many = build(4)
    state = few.state_dict()
    for name in ("key", "value"):
        for part in ("kernel", "bias"):
            array = np.asarray(state[f"{name}/{part}"])
            array = array.reshape(*array.shape[:-1], 2, 2)
            state[f"{name}/{part}"] = np.repeat(array, 2, -2).reshape(*array.shape[:-2], 8)
    many.load_state_dict(state)
    np.testing.assert_allclose(tx.jit(few)(X), tx.jit(many)(X), atol=1e-5)


def test_the_scale_and_the_norm_of_heads() -> None:
    layer = build(1, qk_norm=True, scale=0.5, causal=True)
    layer.query_norm.scale = jnp.full(8, 2.0)

    def heads(projection: Any, scale: float) -> Any:
        y = np.asarray(projection(X))
        return scale * y / np.sqrt((y**2).mean(-1, keepdims=True) + 1e-6)

    logits = 0.5 * heads(layer.query, 2.0) @ heads(layer.key, 1.0).transpose(0, 2, 1)
    logits = np.where(np.tril(np.ones((5, 5))), logits, -np.inf)
    powers = np.exp(logits)
    expected = layer.out(powers / powers.sum(-1, keepdims=True) @ np.asarray(layer.value(X)))
    np.testing.assert_allclose(tx.jit(layer)(X), expected, atol=1e-5)


def test_the_bias_is_added_to_that_of_positions() -> None:
    layer = build(position_bias=nn.ALiBi(2))
    plain = nn.MultiHeadAttention(2).init(0, X)
    both = np.asarray(nn.ALiBi(2)(np.arange(5))) + np.eye(5)
    found = tx.jit(layer)(X, bias=np.eye(5, dtype=np.float32))
    expected = tx.jit(plain)(X, bias=both[None].astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_positions_shift_what_is_rotated_not_what_is_seen() -> None:
    layer = build(rotary=nn.RotaryEmbedding(), causal=True)
    run = tx.jit(layer)
    y = np.asarray(run(X))
    np.testing.assert_allclose(run(X, positions=np.arange(5) + 7), y, atol=1e-5)
    stretched = np.asarray(run(X, positions=np.array([[0, 3, 4, 9, 11], [0, 1, 2, 3, 4]])))
    assert not np.allclose(stretched[0], y[0], atol=1e-3)
    np.testing.assert_allclose(stretched[1], y[1], atol=1e-5)


def test_values_of_their_own() -> None:
    layer = build()
    np.testing.assert_allclose(layer(X, X, value=X), layer(X), atol=1e-6)
    doubled = layer(X, value=2 * X)
    np.testing.assert_allclose(doubled, 2 * layer(X), atol=1e-5)


def test_dropout_is_of_weights_in_training_only() -> None:
    layer = build(dropout_rate=0.5)
    key = layer.dropout.key
    assert not np.allclose(layer(X), layer(X))
    assert not np.array_equal(key, layer.dropout.key)
    layer = layer.eval()
    np.testing.assert_array_equal(layer(X), layer(X))
    plain = nn.MultiHeadAttention(2).init(0, X)
    np.testing.assert_allclose(layer(X), plain(X), atol=1e-6)


def test_dropout_keeps_the_mean() -> None:
    layer = build(dropout_rate=0.3)
    many = jnp.broadcast_to(X[:1], (4000, 5, 8))
    mean = np.asarray(tx.jit(layer)(many)).mean(0)
    np.testing.assert_allclose(mean, tx.jit(layer.eval())(X[:1])[0], atol=0.05)


def test_a_row_that_sees_nothing_gives_the_bias_of_the_output() -> None:
    layer = build(bias_init="ones")
    mask = np.array([[[True]], [[False]]]).repeat(5, -1)
    np.testing.assert_array_equal(tx.jit(layer)(X, mask=mask)[1], np.ones((5, 8)))
    gradients = tx.jit(tx.grad(lambda m: m(X, mask=mask).sum()))(layer)
    assert all(np.isfinite(g).all() for g in gradients.state_dict().values())


def test_inside_other_modules_and_transformations() -> None:
    model = nn.Repeated(nn.Sequential(nn.MultiHeadAttention(2, causal=True)), 3).init(0, X)
    np.testing.assert_allclose(tx.jit(model)(X), model(X), atol=1e-5)
    layer = build()
    np.testing.assert_allclose(tx.jit(tx.vmap(layer))(X), layer(X), atol=1e-5)
    for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(again(X), layer(X))


def test_integers_and_half_precision() -> None:
    half, other = build(param_dtype="bfloat16"), X.astype("bfloat16")
    assert jax.eval_shape(build(), jnp.ones((1, 2, 8), int)).dtype == jnp.float32
    assert jax.eval_shape(half, other).dtype == jnp.bfloat16
    assert jax.eval_shape(half, X, other).dtype == jnp.float32


def test_heads_must_divide_the_features() -> None:
    with pytest.raises(ArgumentError, match="num_heads=3 to divide the features of `x`, rec"):
        build(3)
    assert jax.eval_shape(lambda: build(3, head_dim=2)(X)).shape == X.shape


def test_another_number_of_features_is_refused_with_the_path() -> None:
    with pytest.raises(ShapeError, match=r"Projection at query: .* last axis of `x` to be 8"):
        build()(jnp.ones((2, 5, 7)))


def test_calling_before_init_is_refused() -> None:
    with pytest.raises(NotInitializedError, match="`kernel`, `bias` are not created yet"):
        nn.MultiHeadAttention(2)(X)


@pytest.mark.parametrize("name", ["num_heads", "features", "head_dim", "num_kv_heads"])
def test_sizes_are_checked(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"`{name}` to be an integer of at least 1"):
        nn.MultiHeadAttention(**{"num_heads": 2, name: 0})


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"scale": -1.0}, "`scale` to be a finite number of at least 0"),
        ({"dropout_rate": 1.5}, "`dropout_rate` to be a number from 0 to 1"),
        ({"dtype": "int8"}, "`dtype` to be a floating dtype"),
        ({"param_dtype": None}, "`param_dtype` to be a floating dtype"),
    ],
)
def test_options_are_checked(argument: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.MultiHeadAttention(2, **argument)
