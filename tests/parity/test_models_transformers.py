"""Image models against those of Hugging Face's transformers, with random weights copied over.

Both compute in float32; through some twenty layers the order of sums costs about a digit, so 1e-4
of the largest output is asked for.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import treexlite as tx
from tests.parity.compare import assert_close, channels_first
from treexlite.interop import torch as bridge
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
    block = BasicBlock if kind == "basic" else Bottleneck
    ours = ResNet((2, 2), 5, block=block, width=8).init(0, X).eval()
    report = bridge.from_torch_state_dict(ours, theirs.state_dict(), bridge.RESNET_TRANSFORMERS)
    assert set(report.loaded) == set(ours.state_dict())
    assert all(name.endswith("num_batches_tracked") for name in report.ignored)
    assert_close(ours(X), theirs(images()).logits, 1e-4)
    assert_written(ours, theirs, bridge.RESNET_TRANSFORMERS)


VIT = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "image_size": 32,
    "patch_size": 8,
    "num_labels": 5,
    "layer_norm_eps": 1e-6,
}


def vit() -> ViT:
    ours = ViT(5, image_size=32, patch_size=8, features=16, num_layers=3, num_heads=2, hidden=24)
    return ours.init(0, X).eval()


def test_vit() -> None:
    config = transformers.ViTConfig(**VIT)
    theirs = transformers.ViTForImageClassification(config).eval()
    randomize(theirs)
    ours = vit()
    bridge.from_torch_state_dict(ours, theirs.state_dict(), bridge.VIT_TRANSFORMERS)
    assert_close(ours(X), theirs(images()).logits, 1e-4)
    assert_written(ours, theirs, bridge.VIT_TRANSFORMERS)


def test_vit_from_a_file_of_transformers(tmp_path: Path) -> None:
    config = transformers.ViTConfig(**VIT)
    theirs = transformers.ViTForImageClassification(config).eval()
    randomize(theirs)
    theirs.save_pretrained(tmp_path)
    ours = vit()
    bridge.load_safetensors(tmp_path / "model.safetensors", ours, bridge.VIT_HUB)
    assert_close(ours(X), theirs(images()).logits, 1e-4)


def test_transformers_reads_our_file(tmp_path: Path) -> None:
    ours = vit()
    transformers.ViTConfig(**VIT).save_pretrained(tmp_path)
    bridge.save_safetensors(tmp_path / "model.safetensors", ours, bridge.VIT_HUB)
    theirs = transformers.ViTForImageClassification.from_pretrained(tmp_path).eval()
    assert_close(ours(X), theirs(images()).logits, 1e-4)


def assert_written(ours: tx.Module, theirs: Any, rules: bridge.Rules) -> None:
    """Writing gives the state dict that was read, and torch takes it strictly."""
    weights = bridge.to_torch_state_dict(ours, rules)
    given = theirs.state_dict()
    assert {n for n in given if not n.endswith("num_batches_tracked")} == set(weights)
    for name, value in weights.items():
        np.testing.assert_array_equal(value, given[name].numpy())
    tensors = {name: torch.from_numpy(value) for name, value in weights.items()}
    assert not type(theirs)(theirs.config).load_state_dict(tensors, strict=True).missing_keys
