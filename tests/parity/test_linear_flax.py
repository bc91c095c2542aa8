"""Linear maps against `flax.nnx`: values and all gradients, to 1e-5, and the work of the programs.

Both sides compute in float32 with the same formulas, in another order at most.
"""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from tests.conformance.catalogue import sum_of
from tests.parity.compare import assert_close, compare_with_function, nnx_function
from treexlite import nn

nnx = pytest.importorskip("flax.nnx", reason="flax is not installed (extra `flax`)")

KERNEL, BOTH = {"kernel": "kernel"}, {"kernel": "kernel", "bias": "bias"}
sizes = st.integers(1, 4)


def normal(shape: Any, seed: int = 0) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


@settings(max_examples=examples(8))
@given(
    shape=st.lists(sizes, min_size=1, max_size=4),
    features=st.lists(sizes, min_size=1, max_size=2),
    use_bias=st.booleans(),
    data=st.data(),
)
def test_linear_general(shape: list[int], features: list[int], use_bias: bool, data: Any) -> None:
    chosen = data.draw(st.sets(st.integers(-len(shape), -1), min_size=1))
    axis = tuple(sorted(chosen))  # which Flax does, unlike us, and then its kernel may not fit
    x = normal(shape)
    init = {"use_bias": use_bias, "bias_init": nn.initializers.normal(1.0)}
    ours = nn.LinearGeneral(features, axis=axis, **init).init(1, x)
    in_features = tuple(shape[a] for a in axis)
    theirs = nnx.LinearGeneral(
        in_features, tuple(features), axis=axis, use_bias=use_bias, rngs=nnx.Rngs(0)
    )
    compare_with_function(ours, nnx_function(theirs, BOTH if use_bias else KERNEL), x)


EQUATIONS = [
    ("abc,cd->abd", {"d": 5}, "d"),
    ("abc,cde->abde", {"d": 5, "e": 2}, "de"),
    ("abc,bcd->abd", {"d": 5}, "bd"),
    ("...c,cd->...d", {"d": 5}, "d"),
    ("abc,bcd->ad", {"d": 5}, None),
]


@settings(max_examples=examples(6))
@given(case=st.sampled_from(EQUATIONS), shape=st.tuples(sizes, sizes, sizes))
def test_einsum(case: Any, shape: tuple[int, ...]) -> None:
    equation, letters, bias_axes = case
    x = normal(shape)
    ours = nn.Einsum(equation, letters, bias_axes=bias_axes, bias_init="normal").init(1, x)
    bias = None if ours.bias is None else ours.bias.shape
    theirs = nnx.Einsum(equation, ours.kernel.shape, bias, rngs=nnx.Rngs(0))
    compare_with_function(ours, nnx_function(theirs, KERNEL if bias is None else BOTH), x)


@settings(max_examples=examples(5))
@given(shape=st.lists(sizes, min_size=1, max_size=3), features=sizes, rank=sizes)
def test_lora(shape: list[int], features: int, rank: int) -> None:
    x = normal(shape)
    ours = nn.LoRA(features, rank, b_init="normal").init(1, x)
    theirs = nnx.LoRA(shape[-1], rank, features, rngs=nnx.Rngs(0))
    compare_with_function(ours, nnx_function(theirs, {"a": "lora_a", "b": "lora_b"}), x)


@settings(max_examples=examples(8))
@given(shape=st.lists(sizes, min_size=1, max_size=3), features=sizes, rank=sizes)
def test_lora_linear(shape: list[int], features: int, rank: int) -> None:
    x = normal(shape)
    ours = nn.LoRALinear(nn.Linear(features, bias_init="normal"), rank, b_init="normal")
    theirs = nnx.LoRALinear(shape[-1], features, lora_rank=rank, rngs=nnx.Rngs(0))
    names = {**BOTH, "lora/a": "lora/lora_a", "lora/b": "lora/lora_b"}
    compare_with_function(ours.init(1, x), nnx_function(theirs, names), x)


@settings(max_examples=examples(8))
@given(
    shape=st.lists(sizes, max_size=3),
    slope=st.sampled_from([0.0, 0.01, 0.25, -1.0]),
)
def test_prelu(shape: list[int], slope: float) -> None:
    x = normal(shape, 4)
    ours = nn.PReLU(slope_init=nn.initializers.constant(slope)).init(0, x)
    theirs = nnx.PReLU(negative_slope_init=slope)
    compare_with_function(ours, nnx_function(theirs, {"slope": "negative_slope"}), x)


def flops(f: Any, *args: Any) -> float:
    cost = jax.jit(f).lower(*args).compile().cost_analysis()
    cost = cost[0] if isinstance(cost, list) else cost
    return float(cost["flops"])


MAPS: dict[str, tuple[Any, Any, dict[str, str], tuple[int, ...]]] = {
    "LinearGeneral": (
        nn.LinearGeneral((4, 5), axis=(-2, -1)),
        lambda: nnx.LinearGeneral((6, 7), (4, 5), axis=(-2, -1), rngs=nnx.Rngs(0)),
        BOTH,
        (8, 6, 7),
    ),
    "Einsum": (
        nn.Einsum("nac,acd->nad", {"d": 5}, bias_axes="ad"),
        lambda: nnx.Einsum("nac,acd->nad", (6, 7, 5), (6, 5), rngs=nnx.Rngs(0)),
        BOTH,
        (8, 6, 7),
    ),
    "LoRALinear": (
        nn.LoRALinear(nn.Linear(16), 2),
        lambda: nnx.LoRALinear(12, 16, lora_rank=2, rngs=nnx.Rngs(0)),
        {**BOTH, "lora/a": "lora/lora_a", "lora/b": "lora/lora_b"},
        (8, 12),
    ),
    "PReLU": (
        nn.PReLU(),
        lambda: nnx.PReLU(),
        {"slope": "negative_slope"},
        (8, 12),
    ),
}


@pytest.mark.parametrize("name", MAPS)
def test_no_more_work_than_theirs(name: str) -> None:
    layer, theirs, names, shape = MAPS[name]
    x = normal(shape)
    model = layer.init(0, x)
    other = nnx_function(theirs(), names)
    state = model.state_dict()

    def ours(state: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        copy = model.copy()
        copy.load_state_dict(state)
        return copy(x)

    assert_close(ours(state, x), other(state, x))
    assert flops(ours, state, x) <= flops(other, state, x)
    both = [
        jax.value_and_grad(lambda s, x, f=f: sum_of(f(s, x)), argnums=(0, 1)) for f in (ours, other)
    ]
    assert flops(both[0], state, x) <= flops(both[1], state, x)


def test_the_spread_of_kernels_is_theirs() -> None:
    x = jnp.ones((1, 30, 20))
    ours = nn.LinearGeneral((10, 40), axis=(-2, -1)).init(0, x).kernel
    theirs = nnx.LinearGeneral((30, 20), (10, 40), axis=(-2, -1), rngs=nnx.Rngs(0)).kernel
    assert float(ours.std()) == pytest.approx(float(theirs[...].std()), rel=0.02)
    lora = nnx.LoRA(300, 200, 5, rngs=nnx.Rngs(0)).lora_a
    spread = nn.LoRA(5, 200).init(0, jnp.ones(300)).a.std()
    assert float(spread) == pytest.approx(float(lora[...].std()), rel=0.02)


def test_only_adapters_have_gradients_as_with_their_filter() -> None:
    x = normal((4, 3))
    model = nn.LoRALinear(nn.Linear(2), 2, b_init="normal").init(0, x)
    grads = tx.grad(lambda m: sum_of(m(x)), wrt=nn.LoRAParameter)(model)
    assert list(grads.state_dict()) == ["lora/a", "lora/b"]
