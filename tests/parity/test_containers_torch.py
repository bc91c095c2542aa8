"""Sequential with names, and EinMix, against PyTorch, to 1e-5: values and gradients."""

from collections import OrderedDict
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.parity.compare import assert_close, compare_with_torch, set_parameter
from treexlite import nn

torch = pytest.importorskip("torch", reason="torch is not installed (extra `torch`)")


def test_sequential_with_names() -> None:
    x = jax.random.normal(jax.random.key(0), (4, 3))
    ours = nn.Sequential(stem=nn.Linear(5), act=jnp.tanh, head=nn.Linear(2)).init(0, x)
    theirs = torch.nn.Sequential(
        OrderedDict(stem=torch.nn.Linear(3, 5), act=torch.nn.Tanh(), head=torch.nn.Linear(5, 2))
    )
    for name in ("stem", "head"):
        set_parameter(getattr(theirs, name), "weight", ours[name].kernel.T)
        set_parameter(getattr(theirs, name), "bias", ours[name].bias)
    gradients = compare_with_torch(ours, theirs, x)
    for name in ("stem", "head"):
        assert_close(gradients[f"layers/{name}/kernel"].T, getattr(theirs, name).weight.grad)


@settings(max_examples=examples(5))
@given(
    st.sampled_from(["b t (h i) -> b t (h o)", "b t (i h) -> b (o h) t", "b t (h i) -> t o b h"]),
    st.sampled_from(["h i o", "o h i", "i h o"]),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_einmix(pattern: str, weight: str, heads: int, out: int) -> None:
    layers: Any = pytest.importorskip("einops.layers.torch")
    x = jax.random.normal(jax.random.key(0), (2, 3, 2 * heads))
    ours = nn.EinMix(pattern, weight, h=heads, o=out).init(0, x)
    theirs = layers.EinMix(pattern, weight, h=heads, i=2, o=out)
    set_parameter(theirs, "weight", ours.kernel)
    gradients = compare_with_torch(ours, theirs, x)
    assert_close(gradients["kernel"], theirs.weight.grad)
