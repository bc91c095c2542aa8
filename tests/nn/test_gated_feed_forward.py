"""Gated feed-forward layers: the formula of each, and that they have no bias unless asked."""

import jax
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError

X = jax.random.normal(jax.random.key(0), (4, 3))


@pytest.mark.parametrize(
    ("layer", "activate"),
    [
        (nn.GatedFeedForward(5, activation="sigmoid"), jax.nn.sigmoid),
        (nn.GatedFeedForward(5), jax.nn.silu),
        (nn.SwiGLU(5), jax.nn.silu),
        (nn.GEGLU(5), jax.nn.gelu),
    ],
)
def test_the_gate_multiplies(layer: nn.GatedFeedForward, activate: object) -> None:
    layer = layer.init(0, X)
    hidden = activate(X @ layer.gate.kernel) * (X @ layer.up.kernel)
    np.testing.assert_allclose(layer(X), hidden @ layer.down.kernel, rtol=1e-5, atol=1e-6)
    assert set(layer.state_dict()) == {"gate/kernel", "up/kernel", "down/kernel"}


@pytest.mark.parametrize("make", [nn.GatedFeedForward, nn.SwiGLU, nn.GEGLU])
def test_options_reach_all_projections(make: type) -> None:
    layer = make(5, features=2, use_bias=True, dropout_rate=0.5, param_dtype="float16").init(0, X)
    state = layer.state_dict()
    assert {path for path in state if path.endswith("bias")} == {
        "gate/bias",
        "up/bias",
        "down/bias",
    }
    assert layer(X).shape == (4, 2)
    assert layer.gate.kernel.dtype == "float16"
    assert (layer(X) != layer(X)).any()


@pytest.mark.parametrize("make", [nn.GatedFeedForward, nn.SwiGLU, nn.GEGLU])
def test_errors_name_the_class(make: type) -> None:
    with pytest.raises(ArgumentError, match=f"^{make.__name__}: expected `hidden`"):
        make(0)
