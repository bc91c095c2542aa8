"""Transformer layers and stacks against PyTorch: values and all gradients, to 1e-5.

PyTorch keeps the three input projections of attention in one matrix, transposed.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.conformance.catalogue import Staged
from tests.parity.compare import assert_close, compare_with_torch, set_parameter
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

EPSILON = 1e-5  # that of PyTorch


def set_linear(theirs: Any, ours: Any) -> None:
    set_parameter(theirs, "weight", ours.kernel.T)
    set_parameter(theirs, "bias", ours.bias)


def set_norm(theirs: Any, ours: Any) -> None:
    set_parameter(theirs, "weight", ours.scale)
    set_parameter(theirs, "bias", ours.bias)


def set_attention(theirs: Any, ours: Any) -> None:
    parts = (ours.query, ours.key, ours.value)
    set_parameter(theirs, "in_proj_weight", jnp.concatenate([part.kernel.T for part in parts]))
    set_parameter(theirs, "in_proj_bias", jnp.concatenate([part.bias for part in parts]))
    set_linear(theirs.out_proj, ours.out)


def set_encoder_layer(theirs: Any, ours: Any) -> None:
    set_attention(theirs.self_attn, ours.attention)
    set_linear(theirs.linear1, ours.feed_forward.up)
    set_linear(theirs.linear2, ours.feed_forward.down)
    set_norm(theirs.norm1, ours.attention_norm)
    set_norm(theirs.norm2, ours.feed_forward_norm)


def set_decoder_layer(theirs: Any, ours: Any) -> None:
    set_attention(theirs.self_attn, ours.self_attention)
    set_attention(theirs.multihead_attn, ours.cross_attention)
    set_linear(theirs.linear1, ours.feed_forward.up)
    set_linear(theirs.linear2, ours.feed_forward.down)
    set_norm(theirs.norm1, ours.self_attention_norm)
    set_norm(theirs.norm2, ours.cross_attention_norm)
    set_norm(theirs.norm3, ours.feed_forward_norm)


def gradients_of_attention(path: str, theirs: Any) -> dict[str, Any]:
    found = {}
    kernels, biases = theirs.in_proj_weight.grad.chunk(3), theirs.in_proj_bias.grad.chunk(3)
    for name, kernel, bias in zip(("query", "key", "value"), kernels, biases, strict=True):
        found |= {f"{path}/{name}/kernel": kernel.T, f"{path}/{name}/bias": bias}
    return found | gradients_of_linear(f"{path}/out", theirs.out_proj)


def gradients_of_linear(path: str, theirs: Any) -> dict[str, Any]:
    return {f"{path}/kernel": theirs.weight.grad.T, f"{path}/bias": theirs.bias.grad}


def gradients_of_norm(path: str, theirs: Any) -> dict[str, Any]:
    return {f"{path}/scale": theirs.weight.grad, f"{path}/bias": theirs.bias.grad}


def gradients_of_encoder_layer(theirs: Any) -> dict[str, Any]:
    return {
        **gradients_of_attention("attention", theirs.self_attn),
        **gradients_of_linear("feed_forward/up", theirs.linear1),
        **gradients_of_linear("feed_forward/down", theirs.linear2),
        **gradients_of_norm("attention_norm", theirs.norm1),
        **gradients_of_norm("feed_forward_norm", theirs.norm2),
    }


def gradients_of_decoder_layer(theirs: Any) -> dict[str, Any]:
    return {
        **gradients_of_attention("self_attention", theirs.self_attn),
        **gradients_of_attention("cross_attention", theirs.multihead_attn),
        **gradients_of_linear("feed_forward/up", theirs.linear1),
        **gradients_of_linear("feed_forward/down", theirs.linear2),
        **gradients_of_norm("self_attention_norm", theirs.norm1),
        **gradients_of_norm("cross_attention_norm", theirs.norm2),
        **gradients_of_norm("feed_forward_norm", theirs.norm3),
    }


def assert_gradients(ours: dict[str, jax.Array], theirs: dict[str, Any], prefix: str = "") -> None:
    assert set(ours) == {prefix + path for path in theirs}
    for path, gradient in theirs.items():
        assert_close(ours[prefix + path], gradient)


def normals(seed: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


OPTIONS = st.fixed_dictionaries(
    {
        "num_heads": st.sampled_from([1, 2, 4]),
        "hidden": st.integers(1, 9),
        "activation": st.sampled_from(["relu", "tanh"]),
        "norm_first": st.booleans(),
    }
)
SIZES = {"batch": st.integers(1, 3), "time": st.integers(1, 5), "per_head": st.integers(1, 3)}


def pair(ours: type, theirs: Any, options: dict[str, Any], features: int, **more: Any) -> Any:
    """One layer of each, made alike."""
    norm, init = nn.LayerNorm(epsilon=EPSILON, bias_init="normal"), "normal"
    mine = ours(**options, norm=norm, bias_init=init, kernel_init="glorot_normal", **more)
    return mine, theirs(
        features,
        options["num_heads"],
        options["hidden"],
        dropout=0.0,
        activation=getattr(torch, options["activation"]),
        layer_norm_eps=EPSILON,
        batch_first=True,
        norm_first=options["norm_first"],
    )


@settings(max_examples=examples(12))
@given(options=OPTIONS, causal=st.booleans(), **SIZES)
def test_encoder_layer(
    options: dict[str, Any], causal: bool, batch: int, time: int, per_head: int
) -> None:
    features = options["num_heads"] * per_head
    layer, theirs = pair(
        nn.TransformerEncoderLayer,
        torch.nn.TransformerEncoderLayer,
        options,
        features,
        causal=causal,
    )
    x = normals(0, batch, time, features)
    ours = layer.init(0, x)
    set_encoder_layer(theirs, ours)
    hidden = torch.tensor(np.triu(np.ones((time, time), bool), 1)) if causal else None
    gradients = compare_with_torch(ours, lambda x: theirs(x, src_mask=hidden), x)
    assert_gradients(gradients, gradients_of_encoder_layer(theirs))


@settings(max_examples=examples(12))
@given(options=OPTIONS, context_time=st.integers(1, 5), **SIZES)
def test_decoder_layer(
    options: dict[str, Any], context_time: int, batch: int, time: int, per_head: int
) -> None:
    features = options["num_heads"] * per_head
    layer, theirs = pair(
        nn.TransformerDecoderLayer, torch.nn.TransformerDecoderLayer, options, features
    )
    x, context = normals(0, batch, time, features), normals(1, batch, context_time, features)
    ours = Staged(layer, lambda layer, x: layer(x, context)).init(0, x)
    set_decoder_layer(theirs, ours.layer)
    hidden = torch.tensor(np.triu(np.ones((time, time), bool), 1))
    memory = torch.tensor(np.array(context), requires_grad=True)
    gradients = compare_with_torch(ours, lambda x: theirs(x, memory, tgt_mask=hidden), x)
    assert_gradients(gradients, gradients_of_decoder_layer(theirs), "layer/")

    def loss(context: jax.Array) -> jax.Array:
        y = ours.layer.copy()(x, context)
        return (y * jnp.linspace(-1, 1, y.size).reshape(y.shape)).sum()

    assert_close(jax.grad(loss)(context), memory.grad)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("remat", [True, False])
def test_transformer_with_padding(norm_first: bool, remat: bool) -> None:
    """Both stacks, three layers each, where the second source is shorter than the first."""
    source, target = normals(0, 2, 5, 8), normals(1, 2, 4, 8)
    norm = nn.LayerNorm(epsilon=EPSILON)
    options = {"norm_first": norm_first, "activation": "relu", "bias_init": "normal"}
    model = nn.Transformer(2, 12, 3, final_norm=True, remat=remat, norm=norm, **options)
    model = model.init(0, (source, target))
    theirs = torch.nn.Transformer(
        8, 2, 3, 3, 12, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    for mine, layer in zip(model.encoder.layers.unstacked(), theirs.encoder.layers, strict=True):
        set_encoder_layer(layer, mine)
    for mine, layer in zip(model.decoder.layers.unstacked(), theirs.decoder.layers, strict=True):
        set_decoder_layer(layer, mine)
    valid = np.array([[True] * 5, [True] * 3 + [False] * 2])
    padding = torch.tensor(~valid)
    given = torch.tensor(np.array(source), requires_grad=True)
    hidden = torch.tensor(np.triu(np.ones((4, 4), bool), 1))
    expected = theirs(
        given,
        torch.tensor(np.array(target)),
        tgt_mask=hidden,
        src_key_padding_mask=padding,
        memory_key_padding_mask=padding,
    )
    expected.square().sum().backward()

    def loss(model: Any, source: jax.Array) -> jax.Array:
        return (model(source, target, mask, None, mask) ** 2).sum()

    mask = jnp.asarray(valid)[:, None]
    assert_close(model(source, target, mask, None, mask), expected)
    gradients, of_source = tx.grad(loss, argnums=(0, 1))(model, source)
    assert_close(of_source, given.grad)
    blocks = tx.unstack(gradients.encoder.layers.block)
    for mine, layer in zip(blocks, theirs.encoder.layers, strict=True):
        assert_gradients(mine.state_dict(), gradients_of_encoder_layer(layer))
    blocks = tx.unstack(gradients.decoder.layers.block)
    for mine, layer in zip(blocks, theirs.decoder.layers, strict=True):
        assert_gradients(mine.state_dict(), gradients_of_decoder_layer(layer))
    assert_close(gradients.encoder.norm.scale, theirs.encoder.norm.weight.grad)
    assert_close(gradients.decoder.norm.bias, theirs.decoder.norm.bias.grad)
