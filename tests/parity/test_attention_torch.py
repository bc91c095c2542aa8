"""Attention and positions against PyTorch and `transformers`: to 1e-5 in float32."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.conformance.catalogue import SEQUENCES, Staged
from tests.parity.compare import assert_close, compare_with_torch, set_parameter
from treexlite import nn
from treexlite.nn._dot_product import Visible, attend

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

WITHOUT = "transformers is not installed"


def normal(seed: int, shape: tuple[int, ...]) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


def tensor(array: Any, gradient: bool = False) -> Any:
    return torch.tensor(np.array(array), requires_grad=gradient)


@settings(max_examples=examples(5))
@given(
    heads=st.sampled_from([1, 2, 4]),
    use_bias=st.booleans(),
    masked=st.sampled_from(["none", "causal", "bool", "added"]),
    across=st.booleans(),
)
def test_multi_head_attention(heads: int, use_bias: bool, masked: str, across: bool) -> None:
    x = SEQUENCES
    batch, time, size = x.shape
    context = normal(1, (batch, 5, 6)) if across else None
    length = 5 if across else time
    mask = jax.random.bernoulli(jax.random.key(2), 0.6, (time, length)).at[:, 0].set(True)
    added = normal(3, (time, length))
    attention = nn.MultiHeadAttention(
        heads, use_bias=use_bias, causal=masked == "causal", bias_init="normal"
    )
    options = {"bool": {"mask": mask}, "added": {"bias": added}}.get(masked, {})
    ours = Staged(attention, lambda layer, x: layer(x, context, **options)).init(0, x)
    layer = ours.layer
    theirs = torch.nn.MultiheadAttention(
        size, heads, bias=use_bias, kdim=6 if across else None, vdim=6 if across else None,
        batch_first=True,
    )  # fmt: skip
    kernels = [layer.query.kernel.T, layer.key.kernel.T, layer.value.kernel.T]
    projections = ["q_proj_weight", "k_proj_weight", "v_proj_weight"]
    if across:
        for name, kernel in zip(projections, kernels, strict=True):
            set_parameter(theirs, name, kernel)
    else:
        set_parameter(theirs, "in_proj_weight", np.concatenate(kernels))
    set_parameter(theirs.out_proj, "weight", layer.out.kernel.T)
    if use_bias:
        biases = [layer.query.bias, layer.key.bias, layer.value.bias]
        set_parameter(theirs, "in_proj_bias", np.concatenate(biases))
        set_parameter(theirs.out_proj, "bias", layer.out.bias)
    hidden = {
        "causal": ~np.tril(np.ones((time, length), bool)),
        "bool": ~np.asarray(mask),
        "added": added,
    }.get(masked)

    def call(x: Any) -> Any:
        other = x if context is None else tensor(context)
        attn_mask = None if hidden is None else tensor(hidden)
        return theirs(x, other, other, attn_mask=attn_mask, need_weights=False)[0]

    gradients = compare_with_torch(ours, call, x)
    parts = [gradients[f"layer/{part}/kernel"].T for part in ("query", "key", "value")]
    if across:
        for name, part in zip(projections, parts, strict=True):
            assert_close(part, getattr(theirs, name).grad)
    else:
        assert_close(np.concatenate(parts), theirs.in_proj_weight.grad)
    assert_close(gradients["layer/out/kernel"].T, theirs.out_proj.weight.grad)
    if use_bias:
        parts = [gradients[f"layer/{part}/bias"] for part in ("query", "key", "value")]
        assert_close(np.concatenate(parts), theirs.in_proj_bias.grad)
        assert_close(gradients["layer/out/bias"], theirs.out_proj.bias.grad)


@pytest.mark.parametrize("by_hand", [False, True])
@settings(max_examples=examples(5))
@given(
    heads=st.sampled_from([(4, 4), (4, 2), (6, 2), (3, 1)]),
    time=st.sampled_from([1, 5]),
    causal=st.booleans(),
    masked=st.booleans(),
    scale=st.sampled_from([None, 0.3]),
)
def test_scaled_dot_product_attention(
    by_hand: bool, heads: tuple[int, int], time: int, causal: bool, masked: bool, scale: Any
) -> None:
    """Both ways of computing it: with the fused function, and with weights for dropout."""
    query, key, value = (
        normal(n, (2, size, count, 3))
        for n, (size, count) in enumerate([(time, heads[0]), (5, heads[1]), (5, heads[1])])
    )
    mask = jax.random.bernoulli(jax.random.key(4), 0.6, (2, 1, time, 5)).at[..., 0].set(True)

    def ours(query: Any, key: Any, value: Any) -> jax.Array:
        return attend(
            query, key, value,
            mask=mask if masked else None,
            visible=Visible(causal),
            scale=scale,
            dropout=(lambda weights: weights) if by_hand else None,
        )  # fmt: skip

    tensors = [tensor(jnp.moveaxis(a, 1, 2), True) for a in (query, key, value)]
    allowed = np.tril(np.ones((time, 5), bool)) if causal else np.ones((time, 5), bool)
    allowed = allowed & np.asarray(mask) if masked else allowed
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *tensors, attn_mask=tensor(allowed), scale=scale, enable_gqa=True
    )
    weights = normal(5, query.shape)
    (theirs.transpose(1, 2) * tensor(weights)).sum().backward()
    y, pull = jax.vjp(ours, query, key, value)
    assert_close(y, theirs.transpose(1, 2))
    for gradient, their in zip(pull(weights), tensors, strict=True):
        assert_close(gradient, their.grad.transpose(1, 2))


@settings(max_examples=examples(5))
@given(base=st.sampled_from([10000.0, 50.0]), heads=st.integers(1, 3), pairs=st.integers(1, 4))
def test_rotary_embedding_is_that_of_llama(base: float, heads: int, pairs: int) -> None:
    llama = pytest.importorskip("transformers.models.llama.modeling_llama", reason=WITHOUT)
    x, positions = (
        normal(1, (2, 5, heads, 2 * pairs)),
        jnp.array([[0, 1, 2, 3, 4], [7, 3, 0, 9, 5]]),
    )
    frequencies = 1.0 / base ** (torch.arange(0, 2 * pairs, 2) / (2 * pairs))
    angles = tensor(positions)[..., None] * frequencies
    angles = torch.cat([angles, angles], -1)
    layer = Staged(nn.RotaryEmbedding(base=base), lambda layer, x: layer(x, positions))
    compare_with_torch(
        layer,
        lambda x: llama.apply_rotary_pos_emb(x, x, angles.cos(), angles.sin(), unsqueeze_dim=2)[0],
        x,
    )


def test_interleaved_rotary_embedding_is_that_of_gptj() -> None:
    gptj = pytest.importorskip("transformers.models.gptj.modeling_gptj", reason=WITHOUT)
    x = normal(1, (2, 5, 3, 8))
    sincos = gptj.create_sinusoidal_positions(5, 8)
    sin, cos = sincos[None].split(4, -1)
    compare_with_torch(
        nn.RotaryEmbedding(interleaved=True), lambda x: gptj.apply_rotary_pos_emb(x, sin, cos), x
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("buckets", "distance"), [(32, 128), (8, 20)])
def test_relative_position_bias_is_that_of_t5(
    bidirectional: bool, buckets: int, distance: int
) -> None:
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5", reason=WITHOUT)
    bias = nn.RelativePositionBias(
        2, num_buckets=buckets, max_distance=distance, bidirectional=bidirectional
    ).init(0)
    query, key = np.arange(150), np.arange(140)
    bucket = t5.T5Attention._relative_position_bucket(
        torch.tensor(key[None, :] - query[:, None]), bidirectional, buckets, distance
    )
    expected = torch.nn.functional.embedding(bucket, tensor(bias.embedding)).permute(2, 0, 1)
    assert_close(bias(query, key), expected, 0)


@pytest.mark.parametrize("heads", [1, 3, 8, 12])
def test_alibi_is_that_of_bloom_but_for_a_constant(heads: int) -> None:
    bloom = pytest.importorskip("transformers.models.bloom.modeling_bloom", reason=WITHOUT)
    theirs = bloom.build_alibi_tensor(torch.ones(1, 6, dtype=torch.long), heads, torch.float32)
    ours = np.asarray(nn.ALiBi(heads)(np.arange(6)))
    for t in range(6):  # what a query sees
        seen = ours[:, t, : t + 1]
        assert_close(seen - seen[:, :1], np.asarray(theirs)[:, 0, : t + 1])
