"""Normalisations against PyTorch: values, all gradients and running statistics, to 1e-5."""

from typing import Any

import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from hypothesis import given, settings

from tests.budget import examples
from tests.parity.compare import (
    assert_close,
    channels_first,
    channels_last,
    compare_with_torch,
    kernel_of,
    set_parameter,
    weight_of,
)
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

EPSILONS = st.sampled_from([1e-5, 1e-3])
IMAGES = st.sampled_from([(2, 3, 4, 6), (3, 2, 2, 12)])
DRAWN = {"scale_init": "normal", "bias_init": "normal"}


def inputs(shape: tuple[int, ...], seed: int = 0) -> jax.Array:
    return 1.5 * jax.random.normal(jax.random.key(seed), shape) + 0.5


def few(number: int) -> Any:
    return settings(max_examples=examples(number))


def affine(ours: Any, theirs: Any) -> None:
    set_parameter(theirs, "weight", ours.scale)
    if ours.bias is not None:
        set_parameter(theirs, "bias", ours.bias)


def same_gradients(gradients: dict[str, jax.Array], theirs: Any) -> None:
    assert_close(gradients["scale"], theirs.weight.grad)
    if "bias" in gradients:
        assert_close(gradients["bias"], theirs.bias.grad)


@few(8)
@given(rank=st.integers(1, 3), epsilon=EPSILONS)
def test_layer_norm_over_the_last_axes(rank: int, epsilon: float) -> None:
    x = inputs((3, 4, 5, 6))
    axes = tuple(range(-rank, 0))
    ours = nn.LayerNorm(axes=axes, epsilon=epsilon, **DRAWN).init(0, x)
    theirs = torch.nn.LayerNorm(x.shape[-rank:], eps=epsilon)
    affine(ours, theirs)
    same_gradients(compare_with_torch(ours, theirs, x), theirs)


@few(6)
@given(rank=st.integers(1, 2), epsilon=EPSILONS)
def test_rms_norm(rank: int, epsilon: float) -> None:
    x = inputs((3, 4, 6))
    ours = nn.RMSNorm(axes=tuple(range(-rank, 0)), epsilon=epsilon, scale_init="normal").init(0, x)
    theirs = torch.nn.RMSNorm(x.shape[-rank:], eps=epsilon)
    affine(ours, theirs)
    same_gradients(compare_with_torch(ours, theirs, x), theirs)


@few(8)
@given(shape=IMAGES, groups=st.sampled_from([1, 2, 3, 6]), epsilon=EPSILONS)
def test_group_norm(shape: Any, groups: int, epsilon: float) -> None:
    x = inputs(shape)
    ours = nn.GroupNorm(groups, epsilon=epsilon, **DRAWN).init(0, x)
    theirs = torch.nn.GroupNorm(groups, shape[-1], eps=epsilon)
    affine(ours, theirs)
    gradients = compare_with_torch(ours, theirs, x, channels_first, channels_last)
    same_gradients(gradients, theirs)


@few(6)
@given(shape=IMAGES, epsilon=EPSILONS)
def test_instance_norm(shape: Any, epsilon: float) -> None:
    x = inputs(shape)
    ours = nn.InstanceNorm(epsilon=epsilon, **DRAWN).init(0, x)
    theirs = torch.nn.InstanceNorm2d(shape[-1], eps=epsilon, affine=True)
    affine(ours, theirs)
    gradients = compare_with_torch(ours, theirs, x, channels_first, channels_last)
    same_gradients(gradients, theirs)


@few(8)
@given(size=st.integers(1, 7), alpha=st.sampled_from([1e-4, 0.5]), beta=st.sampled_from([0.75, 2]))
def test_local_response_norm(size: int, alpha: float, beta: float) -> None:
    ours = nn.LocalResponseNorm(size, alpha=alpha, beta=beta, k=1.5)
    theirs = torch.nn.LocalResponseNorm(size, alpha=alpha, beta=beta, k=1.5)
    compare_with_torch(ours, theirs, inputs((2, 3, 4, 6)), channels_first, channels_last)


@few(4)
@given(epsilon=st.sampled_from([1e-12, 1.0]), axis=st.sampled_from([-1, 1]))
def test_unit_norm(epsilon: float, axis: int) -> None:
    ours = nn.UnitNorm(axes=axis, epsilon=epsilon)

    def theirs(x: Any) -> Any:
        return torch.nn.functional.normalize(x, dim=axis, eps=epsilon)

    compare_with_torch(ours, theirs, 0.3 * inputs((4, 3, 2)))


@pytest.mark.parametrize("cumulative", [False, True])
def test_running_statistics_over_several_steps(cumulative: bool) -> None:
    x = inputs((4, 3, 5, 2))
    ours = nn.BatchNorm(momentum=None if cumulative else 0.9, **DRAWN).init(0, x)
    theirs = torch.nn.BatchNorm2d(2, momentum=None if cumulative else 0.1)
    affine(ours, theirs)
    factor = 60 / 59  # PyTorch stores the unbiased variance
    initial = 1.0
    for step in range(5):
        x = inputs((4, 3, 5, 2), step) * (step + 1) + step
        same_gradients(compare_with_torch(ours, theirs, x, channels_first, channels_last), theirs)
        ours(x)  # the comparison left ours as it was, and has moved theirs
        for parameter in theirs.parameters():
            parameter.grad = None
        initial = 0.0 if cumulative else 0.9 * initial  # what is left of the 1 at the start
        assert_close(ours.mean, theirs.running_mean)
        assert_close((ours.var - initial) * factor, theirs.running_var.numpy() - initial)
    expected = theirs.eval()(torch.tensor(channels_first(x).copy())).detach()
    ours.var = theirs.running_var.numpy()
    assert_close(ours.eval()(x), channels_last(expected))


@pytest.mark.parametrize("axis", [-1, None, 0])
@pytest.mark.parametrize("layer", ["linear", "conv"])
def test_weight_norm(axis: int | None, layer: str) -> None:
    inner, theirs, x, into, back = wrapped(layer)
    ours = nn.WeightNorm(inner, axis=axis if layer == "linear" or axis is None else -1).init(0, x)
    copy_layer(ours.layer, theirs)
    ours.parts["kernel"].scale = ours.parts["kernel"].scale * 1.7
    dim = {-1: 0, 0: 1, None: None}[ours.axis]
    theirs = torch.nn.utils.parametrizations.weight_norm(theirs, dim=dim)
    stored = theirs.parametrizations.weight
    stored.original0.data = stored.original0.data * 1.7
    gradients = compare_with_torch(ours, theirs, x, into, back)
    assert_close(gradients["layer/kernel"], kernel_of(stored.original1.grad))
    assert_close(
        gradients["parts/kernel/scale"],
        stored.original0.grad.numpy().reshape(gradients["parts/kernel/scale"].shape),
    )
    assert_close(gradients["layer/bias"], theirs.bias.grad)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("layer", ["linear", "conv"])
def test_spectral_norm_over_several_steps(layer: str, steps: int) -> None:
    inner, theirs, x, into, back = wrapped(layer)
    ours = nn.SpectralNorm(inner, num_steps=steps).init(0, x)
    copy_layer(ours.layer, theirs)
    theirs = torch.nn.utils.parametrizations.spectral_norm(theirs, n_power_iterations=steps)
    stored = theirs.parametrizations.weight
    rows = ours.layer.kernel.shape[:-1]
    part = ours.parts["kernel"]

    def flat(v: Any) -> np.ndarray:
        """PyTorch's v of ours: (*window, in) -> (in, *window)."""
        return np.moveaxis(np.asarray(v).reshape(rows), -1, 0).ravel()

    random = np.random.default_rng(0).normal(size=part.v.shape).astype(np.float32)
    part.v = random / np.linalg.norm(random)
    stored[0]._v = torch.tensor(flat(part.v))
    for _ in range(4):
        theirs.zero_grad()
        gradients = compare_with_torch(ours, theirs, x, into, back, 2e-5)
        assert_close(gradients["layer/kernel"], kernel_of(stored.original.grad), 2e-5)
        ours(x)
        assert_close(part.u, stored[0]._u, 2e-5)
        assert_close(flat(part.v), stored[0]._v, 2e-5)
    compare_with_torch(ours.eval(), theirs.eval(), x, into, back, 2e-5)


def wrapped(layer: str) -> Any:
    if layer == "linear":
        inner, x = nn.Linear(3, bias_init="normal"), inputs((4, 6))
        return inner, torch.nn.Linear(6, 3), x, np.asarray, np.asarray
    inner, x = nn.Conv(3, (2, 3), padding="VALID", bias_init="normal"), inputs((2, 4, 5, 6))
    return inner, torch.nn.Conv2d(6, 3, (2, 3)), x, channels_first, channels_last


def copy_layer(ours: Any, theirs: Any) -> None:
    set_parameter(theirs, "weight", weight_of(ours.kernel))
    set_parameter(theirs, "bias", ours.bias)
