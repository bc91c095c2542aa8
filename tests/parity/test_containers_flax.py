"""EinMix, Rearrange and Reduce against `einops.layers.flax`, Mapped against `nnx.vmap`, to 1e-5.

Values, and the gradients of the input and of all parameters.
"""

from typing import Any

import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.parity.compare import compare_with_function, nnx_function
from treexlite import nn

nnx = pytest.importorskip("flax.nnx", reason="flax is not installed (extra `flax`)")
einops_flax = pytest.importorskip("einops.layers.flax")

# pattern, kernel, bias, how the bias becomes theirs: with axes of size 1, in the output's order.
MIXES = [
    ("b t i -> b t o", "i o", "o", "o -> 1 1 o"),
    ("b t i -> b o t", "o i", "o", "o -> 1 o 1"),
    ("b t i -> b t o", "t i o", "o t", "o t -> 1 t o"),
    ("b t (h i) -> b t (h o)", "h i o", "h o", "h o -> 1 1 h o"),
    ("b (h t) i -> b h (t o)", "h i o", "o h", "o h -> 1 h 1 o"),
    ("... t i -> ... o t", "i o t", "t", "t -> 1 t"),
    ("... (h i) -> h (... o)", "h i o", None, ""),
    ("b t i -> b i", "t i", None, ""),
    ("b t i -> t b i", "i", "i", "i -> 1 1 i"),
    ("b t i -> (t b) (o k)", "i o k", "k", "k -> 1 1 1 k"),
]


@settings(max_examples=examples(8))
@given(st.sampled_from(MIXES), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))
def test_einmix(mix: Any, batch: int, heads: int, out: int) -> None:
    pattern, weight, bias, spread = mix
    t, i = (3 * heads, 4) if "(h t)" in pattern else (3, 2 * heads if "(h i)" in pattern else 4)
    x = jax.random.normal(jax.random.key(0), (batch, t, i))
    sizes = {"t": 3, "i": 2 if "(h i)" in pattern else 4, "h": heads, "o": out, "k": 2}
    sizes = {name: sizes[name] for name in weight.split()}
    given_sizes = {name: size for name, size in sizes.items() if name in "hok"}
    ours = nn.EinMix(pattern, weight, bias, bias_init="normal", **given_sizes).init(0, x)
    theirs = einops_flax.EinMix(pattern, weight, bias, sizes)

    def function(arrays: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        params = {"weight": arrays["kernel"]}
        if bias is not None:
            params["bias"] = einops_flax.Rearrange(spread).apply({}, arrays["bias"])
        y: jax.Array = theirs.apply({"params": params}, x)
        return y

    compare_with_function(ours, function, x)


@pytest.mark.parametrize("reduction", ["mean", "max", "prod"])
def test_rearrange_and_reduce(reduction: str) -> None:
    x = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
    pattern, sizes = "b (h p) (w q) c -> b h (w c) p q", {"p": 2, "q": 3}
    theirs = einops_flax.Rearrange(pattern, sizes)
    compare_with_function(nn.Rearrange(pattern, **sizes), lambda _, x: theirs.apply({}, x), x)
    pattern = "b (h p) (w q) c -> b (h c) w"
    other = einops_flax.Reduce(pattern, reduction, sizes)
    compare_with_function(
        nn.Reduce(pattern, reduction, **sizes), lambda _, x: other.apply({}, x), x
    )


@settings(max_examples=examples(6))
@given(st.integers(-3, 2), st.integers(0, 2))
def test_mapped(axis: int, out_axis: int) -> None:
    x = jax.random.normal(jax.random.key(0), (2, 4, 3))
    ours = nn.Mapped(nn.Linear(5), axis, out_axis=out_axis).init(0, x)
    theirs = nnx.Linear(ours.layer.kernel.shape[0], 5, rngs=nnx.Rngs(0))

    def call(layer: Any, x: jax.Array) -> jax.Array:
        run = nnx.vmap(lambda layer, x: layer(x), in_axes=(None, axis), out_axes=out_axis)
        y: jax.Array = run(layer, x)
        return y

    names = {"layer/kernel": "kernel", "layer/bias": "bias"}
    compare_with_function(ours, nnx_function(theirs, names, call), x)
