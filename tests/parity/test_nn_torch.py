"""Layers against PyTorch: values and gradients, with axes and names translated.

PyTorch has channels first and kernels transposed. Both sides compute in float32, with sums in
another order. The largest difference seen on a CPU was 4e-6; 1e-4 leaves room for other kernels.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from tests.conformance.catalogue import FEATURES, IDS, IMAGES, SEQUENCES
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

TOLERANCE = 1e-4


def channels_first(x: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(x), -1, 1)


def channels_last(x: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(x), 1, -1)


def kernel_of(weight: Any) -> np.ndarray:
    """Our kernel (*window, in, out) of PyTorch's (out, in, *window)."""
    return np.moveaxis(np.asarray(weight), (0, 1), (-1, -2))


def weight_of(kernel: Any) -> np.ndarray:
    """PyTorch's weight of our kernel."""
    return np.moveaxis(np.asarray(kernel), (-1, -2), (0, 1))


def set_parameter(module: Any, name: str, value: Any) -> None:
    getattr(module, name).data = torch.tensor(np.array(value))


def assert_close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)


def compare(
    ours: tx.Module, theirs: Any, x: jax.Array, into: Callable[..., Any], back: Callable[..., Any]
) -> dict[str, jax.Array]:
    """Compare values and the gradients of the input; return those of our parameters."""
    given = torch.tensor(np.array(into(x)), requires_grad=True)
    expected = theirs(given)
    weights = np.linspace(-1, 1, expected.numel(), dtype=np.float32)
    weights = weights.reshape(back(expected.detach()).shape)  # another one for every output
    (expected * torch.tensor(np.array(into(weights)))).sum().backward()

    assert_close(ours(x), back(expected.detach()))
    gradient = jax.grad(lambda x: (ours.copy()(x) * weights).sum())(x)
    assert_close(gradient, back(given.grad))
    if not ours.parameters().state_dict():
        return {}
    gradients: dict[str, jax.Array] = tx.grad(lambda m: (m(x) * weights).sum())(ours).state_dict()
    return gradients


@pytest.mark.parametrize("use_bias", [True, False])
def test_linear(use_bias: bool) -> None:
    ours = nn.Linear(3, use_bias=use_bias, bias_init="normal").init(0, FEATURES)
    theirs = torch.nn.Linear(5, 3, bias=use_bias)
    set_parameter(theirs, "weight", ours.kernel.T)
    if use_bias:
        set_parameter(theirs, "bias", ours.bias)
    gradients = compare(ours, theirs, FEATURES, np.asarray, np.asarray)
    assert_close(gradients["kernel"], theirs.weight.grad.T)
    if use_bias:
        assert_close(gradients["bias"], theirs.bias.grad)


@pytest.mark.parametrize(
    ("window", "ours_only", "theirs_only"),
    [
        ((3, 3), {"padding": "SAME"}, {"padding": "same"}),
        ((4, 2), {"padding": "SAME"}, {"padding": "same"}),
        ((3, 3), {"padding": "VALID", "strides": 2}, {"padding": "valid", "stride": 2}),
        ((3, 2), {"padding": (2, 1)}, {"padding": (2, 1)}),
        ((3, 3), {"padding": 2, "dilation": 2}, {"padding": 2, "dilation": 2}),
        ((3, 3), {"padding": 1, "groups": 2}, {"padding": 1, "groups": 2}),
        ((3, 3), {"padding": "CIRCULAR"}, {"padding": 1, "padding_mode": "circular"}),
        ((3, 3), {"padding": "REFLECT"}, {"padding": 1, "padding_mode": "reflect"}),
        ((3,), {"padding": 1, "strides": 2}, {"padding": 1, "stride": 2}),
    ],
)
def test_conv(
    window: tuple[int, ...], ours_only: dict[str, Any], theirs_only: dict[str, Any]
) -> None:
    x = IMAGES if len(window) == 2 else SEQUENCES
    ours = nn.Conv(6, window, bias_init="normal", **ours_only).init(0, x)
    conv = torch.nn.Conv2d if len(window) == 2 else torch.nn.Conv1d
    theirs = conv(4, 6, window, **theirs_only)
    set_parameter(theirs, "weight", weight_of(ours.kernel))
    set_parameter(theirs, "bias", ours.bias)
    gradients = compare(ours, theirs, x, channels_first, channels_last)
    assert_close(gradients["kernel"], kernel_of(theirs.weight.grad))
    assert_close(gradients["bias"], theirs.bias.grad)


@pytest.mark.parametrize("strides", [None, 1, 2])
@pytest.mark.parametrize("padding", [0, 1])
def test_max_pool(strides: int | None, padding: int) -> None:
    ours = nn.MaxPool((3, 2), strides=strides, padding=padding)
    theirs = torch.nn.MaxPool2d((3, 2), stride=strides, padding=padding)
    compare(ours, theirs, IMAGES, channels_first, channels_last)


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("padding", [0, 1])
def test_avg_pool(padding: int, count_include_pad: bool) -> None:
    ours = nn.AvgPool((3, 2), padding=padding, count_include_pad=count_include_pad)
    theirs = torch.nn.AvgPool2d((3, 2), padding=padding, count_include_pad=count_include_pad)
    compare(ours, theirs, IMAGES, channels_first, channels_last)


def test_layer_norm() -> None:
    ours = nn.LayerNorm(epsilon=1e-5, scale_init="normal", bias_init="normal").init(0, FEATURES)
    theirs = torch.nn.LayerNorm(5)
    set_parameter(theirs, "weight", ours.scale)
    set_parameter(theirs, "bias", ours.bias)
    gradients = compare(ours, theirs, FEATURES, np.asarray, np.asarray)
    assert_close(gradients["scale"], theirs.weight.grad)
    assert_close(gradients["bias"], theirs.bias.grad)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(training: bool) -> None:
    ours = nn.BatchNorm(scale_init="normal", bias_init="normal").init(0, IMAGES)
    ours.mean, ours.var = jnp.arange(4.0), jnp.arange(1.0, 5.0)
    theirs = torch.nn.BatchNorm2d(4)
    for mine, name in [("scale", "weight"), ("bias", "bias")]:
        set_parameter(theirs, name, getattr(ours, mine))
    for mine, name in [("mean", "running_mean"), ("var", "running_var")]:
        set_parameter(theirs, name, getattr(ours, mine))
    theirs.train(training)
    ours = ours.train(training)
    gradients = compare(ours, theirs, IMAGES, channels_first, channels_last)
    assert_close(gradients["scale"], theirs.weight.grad)
    assert_close(gradients["bias"], theirs.bias.grad)


def test_running_statistics_over_several_steps() -> None:
    ours = nn.BatchNorm(momentum=0.9).init(0, IMAGES)
    theirs = torch.nn.BatchNorm2d(4, momentum=0.1)  # PyTorch's momentum is the part of the batch
    count = IMAGES.size // 4
    factor = count / (count - 1)  # PyTorch stores the unbiased variance
    initial = 1.0
    for step in range(4):
        x = IMAGES * (step + 1) + step
        ours(x)
        theirs(torch.tensor(channels_first(x).copy()))
        initial *= 0.9  # what is left of the initial 1, which is no variance of a batch
        assert_close(ours.mean, theirs.running_mean)
        assert_close((ours.var - initial) * factor, theirs.running_var.numpy() - initial)


def test_embed() -> None:
    ours = nn.Embed(7, 4).init(0)
    theirs = torch.nn.Embedding(7, 4)
    set_parameter(theirs, "weight", ours.embedding)
    y = theirs(torch.tensor(np.asarray(IDS)))
    assert_close(ours(IDS), y.detach())
    (y**2).sum().backward()
    gradient = tx.grad(lambda model: (model(IDS) ** 2).sum())(ours).embedding
    assert_close(gradient, theirs.weight.grad)


def test_dropout_keeps_the_same_mean() -> None:
    x = np.ones((100, 100), np.float32)
    torch.manual_seed(0)
    theirs = torch.nn.Dropout(0.3)(torch.tensor(x))
    ours = nn.Dropout(0.3).init(0)(x)
    assert_close(np.unique(ours), np.unique(theirs))
    # 10,000 draws: five standard deviations of the mean are 0.033.
    np.testing.assert_allclose(ours.mean(), theirs.mean(), atol=2 * 0.033)
