"""Linear maps and activations against PyTorch: values and gradients, to 1e-5 in float32."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.conformance.catalogue import Staged
from tests.parity.compare import (
    assert_close,
    channels_first,
    channels_last,
    compare_with_torch,
    set_parameter,
)
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")

sizes = st.integers(1, 4)


@settings(max_examples=examples(12))
@given(
    leading=st.lists(sizes, max_size=2),
    in1=sizes,
    in2=sizes,
    features=sizes,
    use_bias=st.booleans(),
)
def test_bilinear(leading: list[int], in1: int, in2: int, features: int, use_bias: bool) -> None:
    x = jax.random.normal(jax.random.key(0), (*leading, in1 + in2))
    layer = nn.Bilinear(features, use_bias=use_bias, bias_init="normal")
    ours = Staged(layer, lambda layer, x: layer(x[..., :in1], x[..., in1:])).init(1, x)
    theirs = torch.nn.Bilinear(in1, in2, features, bias=use_bias)
    set_parameter(theirs, "weight", np.moveaxis(np.asarray(ours.layer.kernel), -1, 0))
    if use_bias:
        set_parameter(theirs, "bias", ours.layer.bias)
    gradients = compare_with_torch(ours, lambda x: theirs(x[..., :in1], x[..., in1:]), x)
    assert_close(np.moveaxis(np.asarray(gradients["layer/kernel"]), -1, 0), theirs.weight.grad)
    if use_bias:
        assert_close(gradients["layer/bias"], theirs.bias.grad)


@settings(max_examples=examples(8))
@given(per_channel=st.booleans(), shape=st.tuples(sizes, sizes, sizes, sizes))
def test_prelu(per_channel: bool, shape: tuple[int, ...]) -> None:
    x = jax.random.normal(jax.random.key(0), shape)
    ours = nn.PReLU(per_channel=per_channel, slope_init="normal").init(1, x)
    theirs = torch.nn.PReLU(shape[-1] if per_channel else 1)
    set_parameter(theirs, "weight", jnp.atleast_1d(ours.slope))
    gradients = compare_with_torch(ours, theirs, x, channels_first, channels_last)
    assert_close(jnp.atleast_1d(gradients["slope"]), theirs.weight.grad)
    start = nn.PReLU().init(0, x).slope
    assert_close(jnp.atleast_1d(start), torch.nn.PReLU().weight)


def parameter(value: jax.Array) -> Any:
    return torch.tensor(np.array(value), requires_grad=True)


@settings(max_examples=examples(8))
@given(shape=st.lists(sizes, min_size=1, max_size=3), per_channel=st.booleans())
def test_swish_and_srelu_by_their_formulas(shape: list[int], per_channel: bool) -> None:
    x = 2 * jax.random.normal(jax.random.key(0), shape)
    swish = nn.Swish(per_channel=per_channel, beta_init="normal").init(1, x)
    beta = parameter(swish.beta)
    gradients = compare_with_torch(swish, lambda x: x * torch.sigmoid(beta * x), x)
    assert_close(gradients["beta"], beta.grad)

    srelu = nn.SReLU(
        per_channel=per_channel,
        left_init=nn.initializers.constant(-0.7),
        left_slope_init="normal",
        right_init=nn.initializers.constant(0.9),
        right_slope_init="normal",
    ).init(1, x)
    p = {name: parameter(value) for name, value in srelu.state_dict().items()}

    def curve(x: Any) -> Any:
        middle = torch.minimum(torch.maximum(x, p["left"]), p["right"])
        below = torch.relu(p["left"] - x) * -p["left_slope"]
        return middle + below + torch.relu(x - p["right"]) * p["right_slope"]

    for name, gradient in compare_with_torch(srelu, curve, x).items():
        assert_close(gradient, p[name].grad)


F = torch.nn.functional
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "celu": (nn.celu, F.celu),
    "elu": (nn.elu, F.elu),
    "gelu": (nn.gelu, lambda x: F.gelu(x, approximate="tanh")),
    "gelu_exact": (nn.gelu_exact, F.gelu),
    "glu": (nn.glu, F.glu),
    "hard_shrink": (nn.hard_shrink, F.hardshrink),
    "hard_shrink 0.9": (lambda x: nn.hard_shrink(x, 0.9), lambda x: F.hardshrink(x, 0.9)),
    "hard_sigmoid": (nn.hard_sigmoid, F.hardsigmoid),
    "hard_silu": (nn.hard_silu, F.hardswish),
    "hard_tanh": (nn.hard_tanh, F.hardtanh),
    "leaky_relu": (nn.leaky_relu, F.leaky_relu),
    "log_sigmoid": (nn.log_sigmoid, F.logsigmoid),
    "log_softmax": (nn.log_softmax, lambda x: F.log_softmax(x, -1)),
    "mish": (nn.mish, F.mish),
    "quick_gelu": (nn.quick_gelu, lambda x: x * torch.sigmoid(1.702 * x)),
    "relu": (nn.relu, F.relu),
    "relu6": (nn.relu6, F.relu6),
    "relu_squared": (nn.relu_squared, lambda x: F.relu(x) ** 2),
    "selu": (nn.selu, F.selu),
    "sigmoid": (nn.sigmoid, torch.sigmoid),
    "silu": (nn.silu, F.silu),
    "soft_shrink": (nn.soft_shrink, F.softshrink),
    "soft_shrink 0.1": (lambda x: nn.soft_shrink(x, 0.1), lambda x: F.softshrink(x, 0.1)),
    "soft_sign": (nn.soft_sign, F.softsign),
    "softmax": (nn.softmax, lambda x: F.softmax(x, -1)),
    "softmin": (nn.softmin, lambda x: F.softmin(x, -1)),
    "softplus": (nn.softplus, F.softplus),
    "swish": (nn.swish, F.silu),
    "tanh": (nn.tanh, torch.tanh),
    "tanh_shrink": (nn.tanh_shrink, F.tanhshrink),
    "threshold": (lambda x: nn.threshold(x, 0.4, -2.0), lambda x: F.threshold(x, 0.4, -2.0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    ours, theirs = FUNCTIONS[name]
    x = 2 * jax.random.normal(jax.random.key(7), (40, 6))
    weights = jax.random.normal(jax.random.key(8), ours(x).shape)
    given = parameter(x)
    expected = theirs(given)
    (expected * torch.tensor(np.array(weights))).sum().backward()
    assert_close(ours(x), expected)
    assert_close(jax.grad(lambda x: (ours(x) * weights).sum())(x), given.grad)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_identity_is_eye_and_dirac(shape: tuple[int, int]) -> None:
    ours = nn.initializers.identity()(None, shape, jnp.float32)
    assert_close(ours.T, torch.nn.init.eye_(torch.empty(shape[::-1])))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("channels", [(2, 4), (3, 4), (2, 6)])
def test_identity_of_convolutions(channels: tuple[int, int], groups: int) -> None:
    per_group, features = channels
    ours = nn.initializers.identity(groups=groups)(None, (3, 5, *channels), jnp.float32)
    theirs = torch.nn.init.dirac_(torch.empty(features, per_group, 3, 5), groups)
    assert_close(np.asarray(ours).transpose(3, 2, 0, 1), theirs)
