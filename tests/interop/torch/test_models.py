"""Ready rules: every array of a model has a name, and comes back from it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import models
from treexlite.interop import torch as bridge
from treexlite.models._resnet import BasicBlock, Bottleneck

IDS = jax.ShapeDtypeStruct((1, 1), jnp.int32)
IMAGES = jax.ShapeDtypeStruct((1, 16, 16, 3), jnp.float32)
GPT: dict[str, Any] = {"num_layers": 2, "num_heads": 2, "max_length": 3}
VIT: dict[str, Any] = {
    "image_size": 16, "patch_size": 8, "features": 4, "num_layers": 2, "num_heads": 2, "hidden": 6,
}  # fmt: skip


@pytest.mark.parametrize(
    ("build", "rules", "example"),
    [
        (lambda: models.GPT(5, 4, **GPT).init(0, IDS), bridge.GPT2, ("lm_head.weight", (5, 4))),
        (lambda: models.GPT(5, 4, **GPT).init(0, IDS), bridge.GPT2_BODY, ("h.1.ln_1.weight", (4,))),
        (
            lambda: models.BERT(5, 4, **GPT).init(0, IDS),
            bridge.BERT,
            ("encoder.layer.1.output.dense.weight", (4, 16)),
        ),
        (
            lambda: models.ResNet((1, 2), 3, block=BasicBlock, width=4).init(0, IMAGES),
            bridge.RESNET_TORCHVISION,
            ("layer2.0.downsample.0.weight", (8, 4, 1, 1)),
        ),
        (
            lambda: models.ResNet((1, 2), 3, block=Bottleneck, width=4).init(0, IMAGES),
            bridge.RESNET_TRANSFORMERS,
            ("resnet.encoder.stages.1.layers.1.layer.2.convolution.weight", (32, 8, 1, 1)),
        ),
        (
            lambda: models.ViT(3, **VIT).init(0, IMAGES),
            bridge.VIT_TORCHVISION,
            ("encoder.layers.encoder_layer_1.self_attention.in_proj_weight", (12, 4)),
        ),
        (
            lambda: models.ViT(3, **VIT).init(0, IMAGES),
            bridge.VIT_TRANSFORMERS,
            ("vit.embeddings.cls_token", (1, 1, 4)),
        ),
        (
            lambda: models.ViT(3, **VIT).init(0, IMAGES),
            bridge.VIT_HUB,
            ("vit.encoder.layer.1.attention.attention.query.weight", (4, 4)),
        ),
    ],
)
def test_every_array_has_a_name_and_comes_back(build: Any, rules: Any, example: Any) -> None:
    model = tx.eval_shape(build)
    leaves = model.state_dict(tx.Any(tx.Parameter, tx.BatchStat))
    values = {
        path: jnp.asarray(np.random.default_rng(number).random(leaf.shape, np.float32))
        for number, (path, leaf) in enumerate(leaves.items())
    }
    model.load_state_dict(values, strict=False)
    weights = bridge.to_torch_state_dict(model, rules)
    name, shape = example
    assert weights[name].shape == shape
    other = tx.eval_shape(build)
    assert set(bridge.from_torch_state_dict(other, weights, rules).loaded) == set(values)
    for path, value in values.items():
        np.testing.assert_array_equal(other.state_dict()[path], value)
