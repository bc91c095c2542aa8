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
from tests.conformance.catalogue import sum_of
from tests.parity.compare import assert_close, set_parameter
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


def compare(ours: tx.Module, theirs: Any, *inputs: jax.Array) -> dict[str, jax.Array]:
    """Compare values and the gradients of the inputs; return those of our parameters."""

    @tx.jit  # one program instead of one for each operation
    def run(model: Any, *inputs: jax.Array) -> Any:
        def loss(model: Any, *inputs: jax.Array) -> Any:
            y = model(*inputs)
            return sum_of(y), y

        return tx.grad(loss, argnums=range(1 + len(inputs)), has_aux=True)(model, *inputs)

    (of_model, *of_inputs), y = run(ours, *inputs)
    given = [torch.tensor(np.array(x), requires_grad=True) for x in inputs]
    expected = theirs(*given)
    weights = torch.linspace(-1, 1, expected.numel()).reshape(expected.shape)
    (expected * weights).sum().backward()
    assert_close(y, expected)
    for gradient, tensor in zip(of_inputs, given, strict=True):
        assert_close(gradient, tensor.grad)
    return of_model.state_dict()


def hidden(time: int) -> Any:
    """PyTorch's causal mask: True where a position must not look."""
    return torch.tensor(np.triu(np.ones((time, time), bool), 1))


OPTIONS = st.fixed_dictionaries(
    {
        "num_heads": st.sampled_from([1, 2, 4]),
        "hidden": st.integers(1, 9),
        "activation": st.sampled_from(["relu", "tanh"]),
        "norm_first": st.booleans(),
    }
)
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 5), st.sampled_from([4, 8]))


def pair(ours: type, theirs: Any, options: dict[str, Any], features: int, **more: Any) -> Any:
    """One layer of each, made alike."""
    norm = nn.LayerNorm(epsilon=EPSILON, bias_init="normal")
    mine = ours(**options, norm=norm, bias_init="normal", **more)
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


@settings(max_examples=examples(6))
@given(options=OPTIONS, causal=st.booleans(), shape=SHAPES)
def test_encoder_layer(options: dict[str, Any], causal: bool, shape: tuple[int, int, int]) -> None:
    classes = nn.TransformerEncoderLayer, torch.nn.TransformerEncoderLayer
    layer, theirs = pair(*classes, options, shape[-1], causal=causal)
    x = normals(0, *shape)
    ours = layer.init(0, x)
    set_encoder_layer(theirs, ours)
    mask = hidden(shape[1]) if causal else None
    gradients = compare(ours, lambda x: theirs(x, src_mask=mask), x)
    assert_gradients(gradients, gradients_of_encoder_layer(theirs))


@settings(max_examples=examples(6))
@given(options=OPTIONS, context_time=st.integers(1, 5), shape=SHAPES)
def test_decoder_layer(
    options: dict[str, Any], context_time: int, shape: tuple[int, int, int]
) -> None:
    classes = nn.TransformerDecoderLayer, torch.nn.TransformerDecoderLayer
    layer, theirs = pair(*classes, options, shape[-1])
    x, context = normals(0, *shape), normals(1, shape[0], context_time, shape[-1])
    ours = layer.init(0, (x, context))
    set_decoder_layer(theirs, ours)
    mask = hidden(shape[1])
    gradients = compare(ours, lambda x, context: theirs(x, context, tgt_mask=mask), x, context)
    assert_gradients(gradients, gradients_of_decoder_layer(theirs))


@pytest.mark.parametrize(("norm_first", "remat"), [(True, False), (False, True)])
def test_transformer_with_padding(norm_first: bool, remat: bool) -> None:
    """Both stacks, two layers each, where the second source is shorter than the first."""
    source, target = normals(0, 2, 5, 8), normals(1, 2, 4, 8)
    model = nn.Transformer(
        2,
        12,
        2,
        final_norm=True,
        remat=remat,
        norm_first=norm_first,
        activation="relu",
        norm=nn.LayerNorm(epsilon=EPSILON),
    ).init(0, (source, target))
    theirs = torch.nn.Transformer(
        8, 2, 2, 2, 12, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    for mine, layer in zip(model.encoder.layers.unstacked(), theirs.encoder.layers, strict=True):
        set_encoder_layer(layer, mine)
    for mine, layer in zip(model.decoder.layers.unstacked(), theirs.decoder.layers, strict=True):
        set_decoder_layer(layer, mine)
    valid = np.array([[True] * 5, [True] * 3 + [False] * 2])

    def call(source: Any, target: Any) -> Any:
        padding = torch.tensor(~valid)
        return theirs(
            source,
            target,
            tgt_mask=hidden(4),
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )

    class Padded(tx.Module):
        def __init__(self, model: tx.Module) -> None:
            self.model = model

        def __call__(self, source: jax.Array, target: jax.Array) -> jax.Array:
            mask = jnp.asarray(valid)[:, None]
            return self.model(source, target, mask, None, mask)

    gradients = compare(Padded(model), call, source, target)
    for name, layers, of_layer in (
        ("encoder", theirs.encoder, gradients_of_encoder_layer),
        ("decoder", theirs.decoder, gradients_of_decoder_layer),
    ):
        for number, layer in enumerate(layers.layers):
            for path, gradient in of_layer(layer).items():
                mine = gradients[f"model/{name}/layers/block/{path}"][number]
                assert_close(mine, gradient)
        for path, gradient in gradients_of_norm(f"model/{name}/norm", layers.norm).items():
            assert_close(gradients[path], gradient)
