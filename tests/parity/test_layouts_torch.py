"""Layers with PyTorch's weights, by the layouts of `tx.interop.torch`: outputs to 1e-5."""

from typing import Any

import jax
import numpy as np
import pytest

from tests.parity.compare import assert_close, channels_first, channels_last
from treexlite import nn
from treexlite.interop import torch as bridge

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

LAYERS: dict[str, Any] = {
    "linear": (lambda t: t.Linear(4, 3), nn.Linear(3), bridge.linear),
    "conv": (
        lambda t: t.Conv2d(4, 6, 3, groups=2),
        nn.Conv(6, (3, 3), groups=2, padding="VALID"),
        bridge.conv,
    ),
    "depthwise": (
        lambda t: t.Conv2d(4, 8, 3, groups=4),
        nn.DepthwiseConv((3, 3), channel_multiplier=2, padding="VALID"),
        bridge.conv,
    ),
    "conv_transpose": (
        lambda t: t.ConvTranspose2d(4, 6, 3, groups=2),
        nn.ConvTranspose(6, (3, 3), groups=2, padding="VALID"),
        lambda name: bridge.conv_transpose(name, groups=2),
    ),
    "norm": (lambda t: t.LayerNorm(4, eps=1e-6), nn.LayerNorm(epsilon=1e-6), bridge.norm),
    "batch_norm": (lambda t: t.BatchNorm2d(4), nn.BatchNorm(), bridge.batch_norm),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer(kind: str) -> None:
    build, ours, layout = LAYERS[kind]
    spatial = "conv" in kind or kind in ("depthwise", "batch_norm")
    x = jax.random.normal(jax.random.key(0), (2, 5, 6, 4) if spatial else (2, 4))
    torch.manual_seed(0)
    theirs = build(torch.nn).eval()
    if kind == "batch_norm":
        theirs.running_mean.normal_()
        theirs.running_var.uniform_(0.5, 2.0)
    ours = ours.init(0, x).eval()
    given = {f"a.{name}": value for name, value in theirs.state_dict().items()}
    bridge.from_torch_state_dict(ours, given, {"": layout("a")})
    into, back = (channels_first, channels_last) if spatial else (np.asarray, np.asarray)
    expected = theirs(torch.tensor(np.array(into(x)))).detach()
    assert_close(ours(x), back(expected))
    for name, value in bridge.to_torch_state_dict(ours, {"": layout("a")}).items():
        np.testing.assert_array_equal(value, given[name].numpy())


@pytest.mark.parametrize(
    ("cell", "their", "layout"),
    [(nn.LSTMCell, "LSTM", bridge.lstm), (nn.GRUCell, "GRU", bridge.gru)],
)
def test_a_recurrent_layer_of_two_directions(cell: Any, their: str, layout: Any) -> None:
    x = jax.random.normal(jax.random.key(0), (2, 5, 4))
    torch.manual_seed(0)
    theirs = getattr(torch.nn, their)(4, 3, batch_first=True, bidirectional=True)
    ours = nn.Bidirectional(nn.RNN(cell(3))).init(0, x)
    rules = {"forward/cell": layout("a"), "backward/cell": layout("a", reverse=True)}
    given = {f"a.{name}": value for name, value in theirs.state_dict().items()}
    bridge.from_torch_state_dict(ours, given, rules)
    expected = theirs(torch.tensor(np.array(x)))[0]
    assert_close(ours(x), expected)
    weights = bridge.to_torch_state_dict(ours, rules)
    theirs.load_state_dict({n[2:]: torch.from_numpy(value) for n, value in weights.items()})
    assert_close(theirs(torch.tensor(np.array(x)))[0].detach(), expected)


def test_attention() -> None:
    x = jax.random.normal(jax.random.key(0), (2, 5, 4))
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(4, 2, batch_first=True)
    ours = nn.MultiHeadAttention(2).init(0, x)
    given = {f"a.{name}": value for name, value in theirs.state_dict().items()}
    bridge.from_torch_state_dict(ours, given, {"": bridge.multi_head_attention("a")})
    tensor = torch.tensor(np.array(x))
    assert_close(ours(x), theirs(tensor, tensor, tensor)[0].detach())
