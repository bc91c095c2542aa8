"""Image models against those of Hugging Face's transformers, with random weights copied over.

Both compute in float32; through some twenty layers the order of sums costs about a digit, so 1e-4
of the largest output is asked for.
"""

from typing import Any

import jax
import numpy as np
import pytest

import treexlite as tx
from tests.parity.compare import assert_close, channels_first, kernel_of
from treexlite.models import ResNet, ViT
from treexlite.models._resnet import BasicBlock, Bottleneck

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")

X = jax.random.normal(jax.random.key(0), (2, 32, 32, 3))


def images() -> Any:
    return torch.tensor(channels_first(X).copy())


def randomize(model: Any) -> None:
    """Give a torch model weights and statistics that are neither 0 nor 1 anywhere."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            if value.is_floating_point():
                value.normal_(0.0, 0.1)
                if name.endswith(("normalization.weight", "running_var")):
                    value.abs_().add_(0.5)


def conv_norm(state: dict[str, Any], conv: str, norm: str, layer: Any) -> dict[str, Any]:
    return {
        f"{conv}/kernel": kernel_of(layer.convolution.weight.detach()),
        f"{norm}/scale": layer.normalization.weight.detach(),
        f"{norm}/bias": layer.normalization.bias.detach(),
        f"{norm}/mean": layer.normalization.running_mean,
        f"{norm}/var": layer.normalization.running_var,
    }


@pytest.mark.parametrize("kind", ["basic", "bottleneck"])
def test_resnet(kind: str) -> None:
    config = transformers.ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16] if kind == "basic" else [32, 64],
        depths=[2, 2],
        layer_type=kind,
        num_labels=5,
    )
    theirs = transformers.ResNetForImageClassification(config).eval()
    randomize(theirs)
    state = conv_norm({}, "stem", "norm", theirs.resnet.embedder.embedder)
    for s, stage in enumerate(theirs.resnet.encoder.stages):
        for b, block in enumerate(stage.layers):
            at = f"stages/{s}/layers/{b}"
            for n, layer in enumerate(block.layer, start=1):
                state |= conv_norm(state, f"{at}/conv{n}", f"{at}/norm{n}", layer)
            if hasattr(block.shortcut, "convolution"):
                at += "/shortcut/layers"
                state |= conv_norm(state, f"{at}/0", f"{at}/1", block.shortcut)
    state["head/kernel"] = theirs.classifier[1].weight.detach().T
    state["head/bias"] = theirs.classifier[1].bias.detach()

    block = BasicBlock if kind == "basic" else Bottleneck
    ours = ResNet((2, 2), 5, block=block, width=8).init(0, X).eval()
    ours.load_state_dict({path: np.asarray(value) for path, value in state.items()})
    assert_close(ours(X), theirs(images()).logits, 1e-4)


def test_vit() -> None:
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=24,
        image_size=32,
        patch_size=8,
        num_labels=5,
        layer_norm_eps=1e-6,
    )
    theirs = transformers.ViTForImageClassification(config).eval()
    randomize(theirs)
    ours = ViT(5, image_size=32, patch_size=8, features=16, num_layers=3, num_heads=2, hidden=24)
    ours = ours.init(0, X).eval()
    ours.load_state_dict({**ours.state_dict(), **vit_state(theirs, ours)})
    assert_close(ours(X), theirs(images()).logits, 1e-4)


def vit_state(theirs: Any, ours: tx.Module) -> dict[str, np.ndarray]:
    """Their weights under our names; those of the layers are stacked."""
    given = {name: value.detach().numpy() for name, value in theirs.state_dict().items()}
    state = {
        "class_token": given["vit.embeddings.cls_token"][0],
        "positions": given["vit.embeddings.position_embeddings"][0],
        "patches/kernel": kernel_of(given["vit.embeddings.patch_embeddings.projection.weight"]),
        "patches/bias": given["vit.embeddings.patch_embeddings.projection.bias"],
        "encoder/norm/scale": given["vit.layernorm.weight"],
        "encoder/norm/bias": given["vit.layernorm.bias"],
        "head/kernel": given["classifier.weight"].T,
        "head/bias": given["classifier.bias"],
    }
    names = {
        "attention/query": "attention.q_proj",
        "attention/key": "attention.k_proj",
        "attention/value": "attention.v_proj",
        "attention/out": "attention.o_proj",
        "feed_forward/up": "mlp.fc1",
        "feed_forward/down": "mlp.fc2",
        "attention_norm": "layernorm_before",
        "feed_forward_norm": "layernorm_after",
    }
    shapes = {path: array.shape for path, array in ours.state_dict().items()}
    for mine, their in names.items():
        kernel, bias = ("scale", "bias") if mine.endswith("norm") else ("kernel", "bias")
        for field, torch_name in ((kernel, "weight"), (bias, "bias")):
            layers = [given[f"vit.layers.{n}.{their}.{torch_name}"].T for n in range(3)]
            path = f"encoder/layers/block/{mine}/{field}"
            state[path] = np.stack(layers).reshape(shapes[path])
    return state
