"""Image models against those of torchvision, by the ready rules, to 1e-4 of the largest output."""

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
torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")

X = jax.random.normal(jax.random.key(0), (2, 32, 32, 3))


def compare(ours: tx.Module, theirs: Any, rules: bridge.Rules) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        for name, value in [*theirs.named_parameters(), *theirs.named_buffers()]:
            if value.is_floating_point():
                value.normal_(0.0, 0.05)
                if name.endswith("running_var") or "bn" in name:
                    value.abs_().add_(0.5)
    ours, theirs = ours.init(0, X).eval(), theirs.eval()
    bridge.from_torch_state_dict(ours, theirs.state_dict(), rules)
    assert_close(ours(X), theirs(torch.tensor(channels_first(X).copy())), 1e-4)
    weights = bridge.to_torch_state_dict(ours, rules)
    for name, value in theirs.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(weights.pop(name), value.numpy())
    assert not weights


@pytest.mark.parametrize("kind", ["basic", "bottleneck"])
def test_resnet(kind: str) -> None:
    resnet = torchvision.models.resnet
    block, their = (
        (BasicBlock, resnet.BasicBlock) if kind == "basic" else (Bottleneck, resnet.Bottleneck)
    )
    theirs = resnet.ResNet(their, [2, 1, 1, 1], num_classes=5)
    compare(ResNet((2, 1, 1, 1), 5, block=block), theirs, bridge.RESNET_TORCHVISION)


def test_vit() -> None:
    theirs = torchvision.models.VisionTransformer(32, 8, 3, 2, 16, 24, num_classes=5)
    ours = ViT(5, image_size=32, patch_size=8, features=16, num_layers=3, num_heads=2, hidden=24)
    compare(ours, theirs, bridge.VIT_TORCHVISION)
