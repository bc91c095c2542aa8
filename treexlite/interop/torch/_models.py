"""Rules that are ready: models of `treexlite.models` by the names of torchvision and transformers.

What flows in: nothing. What flows out: `Rules`. Nothing is mutated.

A model with a head of another name takes `RULES | Rules({"head": linear("name")})`; one that is a
part of a larger model takes `RULES.prefixed("bert.")`.
"""

from __future__ import annotations

import numpy as np

from treexlite.interop.torch._layouts import (
    Layout,
    array,
    batch_norm,
    conv,
    embedding,
    fused_linear,
    linear,
    multi_head_attention,
    norm,
)
from treexlite.interop.torch._rules import Rules

_BLOCK = "blocks/layers/block"
_VIT_BLOCK = "encoder/layers/block"
_FEED_FORWARD = "feed_forward"

GPT2_BODY = Rules(
    {
        "embed": embedding("wte"),
        "positions": embedding("wpe"),
        f"{_BLOCK}/attention_norm": norm("h.#.ln_1"),
        f"{_BLOCK}/attention": fused_linear("h.#.attn.c_attn", transpose=False),
        f"{_BLOCK}/attention/out": linear("h.#.attn.c_proj", transpose=False),
        f"{_BLOCK}/feed_forward_norm": norm("h.#.ln_2"),
        f"{_BLOCK}/{_FEED_FORWARD}/up": linear("h.#.mlp.c_fc", transpose=False),
        f"{_BLOCK}/{_FEED_FORWARD}/down": linear("h.#.mlp.c_proj", transpose=False),
        "blocks/norm": norm("ln_f"),
    },
    ignored=("h.*.attn.bias", "h.*.attn.masked_bias"),  # masks, in files of older versions
)
"""`treexlite.models.GPT` as transformers' `GPT2Model`, and as the files of GPT-2 on the hub."""

GPT2 = GPT2_BODY.prefixed("transformer.") | Rules(
    {}, tied={"lm_head.weight": "transformer.wte.weight"}
)
"""`treexlite.models.GPT` as transformers' `GPT2LMHeadModel`, whose head is the embedding."""

BERT = Rules(
    {
        "embed": embedding("embeddings.word_embeddings"),
        "positions": embedding("embeddings.position_embeddings"),
        "type_embed": embedding("embeddings.token_type_embeddings"),
        "norm": norm("embeddings.LayerNorm"),
        f"{_BLOCK}/attention/query": linear("encoder.layer.#.attention.self.query"),
        f"{_BLOCK}/attention/key": linear("encoder.layer.#.attention.self.key"),
        f"{_BLOCK}/attention/value": linear("encoder.layer.#.attention.self.value"),
        f"{_BLOCK}/attention/out": linear("encoder.layer.#.attention.output.dense"),
        f"{_BLOCK}/attention_norm": norm("encoder.layer.#.attention.output.LayerNorm"),
        f"{_BLOCK}/{_FEED_FORWARD}/up": linear("encoder.layer.#.intermediate.dense"),
        f"{_BLOCK}/{_FEED_FORWARD}/down": linear("encoder.layer.#.output.dense"),
        f"{_BLOCK}/feed_forward_norm": norm("encoder.layer.#.output.LayerNorm"),
        "pooler": linear("pooler.dense"),
    },
    ignored=("embeddings.position_ids",),
)
"""`treexlite.models.BERT` as transformers' `BertModel`."""

RESNET_TORCHVISION = Rules(
    {
        "stem": conv("conv1"),
        "norm": batch_norm("bn1"),
        "stages/*/layers/*/conv*": conv("layer{+1}.{}.conv{}"),
        "stages/*/layers/*/norm*": batch_norm("layer{+1}.{}.bn{}"),
        "stages/*/layers/*/shortcut/layers/0": conv("layer{+1}.{}.downsample.0"),
        "stages/*/layers/*/shortcut/layers/1": batch_norm("layer{+1}.{}.downsample.1"),
        "head": linear("fc"),
    }
)
"""`treexlite.models.ResNet` as torchvision's `resnet18` to `resnet152`."""

_RESNET_LAYER = "resnet.encoder.stages.{}.layers.{}"

RESNET_TRANSFORMERS = Rules(
    {
        "stem": conv("resnet.embedder.embedder.convolution"),
        "norm": batch_norm("resnet.embedder.embedder.normalization"),
        "stages/*/layers/*/conv*": conv(f"{_RESNET_LAYER}.layer.{{-1}}.convolution"),
        "stages/*/layers/*/norm*": batch_norm(f"{_RESNET_LAYER}.layer.{{-1}}.normalization"),
        "stages/*/layers/*/shortcut/layers/0": conv(f"{_RESNET_LAYER}.shortcut.convolution"),
        "stages/*/layers/*/shortcut/layers/1": batch_norm(
            f"{_RESNET_LAYER}.shortcut.normalization"
        ),
        "head": linear("classifier.1"),
    }
)
"""`treexlite.models.ResNet` as transformers' `ResNetForImageClassification`."""


def _with_batch(name: str) -> Layout:
    """Return the layout of an array that has an axis of size 1 in front there."""
    return array(name, lambda theirs: np.squeeze(theirs, 0), lambda ours: ours[None])


VIT_TORCHVISION = Rules(
    {
        "class_token": _with_batch("class_token"),
        "positions": _with_batch("encoder.pos_embedding"),
        "patches": conv("conv_proj"),
        f"{_VIT_BLOCK}/attention_norm": norm("encoder.layers.encoder_layer_#.ln_1"),
        f"{_VIT_BLOCK}/attention": multi_head_attention(
            "encoder.layers.encoder_layer_#.self_attention"
        ),
        f"{_VIT_BLOCK}/feed_forward_norm": norm("encoder.layers.encoder_layer_#.ln_2"),
        f"{_VIT_BLOCK}/{_FEED_FORWARD}/up": linear("encoder.layers.encoder_layer_#.mlp.0"),
        f"{_VIT_BLOCK}/{_FEED_FORWARD}/down": linear("encoder.layers.encoder_layer_#.mlp.3"),
        "encoder/norm": norm("encoder.ln"),
        "head": linear("heads.head"),
    }
)
"""`treexlite.models.ViT` as torchvision's `vit_b_16` and others."""


def _vit(layer: str, attention: tuple[str, str, str, str], feed_forward: tuple[str, str]) -> Rules:
    """Return the rules of transformers' ViT, which has had several names for a layer's parts."""
    query, key, value, out = (linear(f"{layer}.{name}") for name in attention)
    up, down = (linear(f"{layer}.{name}") for name in feed_forward)
    return Rules(
        {
            "class_token": _with_batch("vit.embeddings.cls_token"),
            "positions": _with_batch("vit.embeddings.position_embeddings"),
            "patches": conv("vit.embeddings.patch_embeddings.projection"),
            f"{_VIT_BLOCK}/attention/query": query,
            f"{_VIT_BLOCK}/attention/key": key,
            f"{_VIT_BLOCK}/attention/value": value,
            f"{_VIT_BLOCK}/attention/out": out,
            f"{_VIT_BLOCK}/attention_norm": norm(f"{layer}.layernorm_before"),
            f"{_VIT_BLOCK}/{_FEED_FORWARD}/up": up,
            f"{_VIT_BLOCK}/{_FEED_FORWARD}/down": down,
            f"{_VIT_BLOCK}/feed_forward_norm": norm(f"{layer}.layernorm_after"),
            "encoder/norm": norm("vit.layernorm"),
            "head": linear("classifier"),
        },
        ignored=("vit.pooler.dense.*",),
    )


_QUERIES = ("attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj")

VIT_TRANSFORMERS = _vit("vit.layers.#", _QUERIES, ("mlp.fc1", "mlp.fc2"))
"""`treexlite.models.ViT` as `ViTForImageClassification` of transformers 5, in memory."""

_ATTENTION = "attention.attention"

VIT_HUB = _vit(
    "vit.encoder.layer.#",
    (
        f"{_ATTENTION}.query",
        f"{_ATTENTION}.key",
        f"{_ATTENTION}.value",
        "attention.output.dense",
    ),
    ("intermediate.dense", "output.dense"),
)
"""`treexlite.models.ViT` as `ViTForImageClassification` in files, and before transformers 5."""
