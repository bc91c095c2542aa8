"""QuantizedLinear: half a scale of error at most, and nothing that trains."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import treexlite as tx
from tests.budget import examples
from treexlite import nn
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError

X = jax.random.normal(jax.random.key(0), (6, 32))


def linear(seed: int = 0, **arguments: Any) -> nn.Linear:
    return nn.Linear(5, bias_init="normal", **arguments).init(seed, X)


@settings(max_examples=examples(12))
@given(
    seed=st.integers(0, 100),
    magnitude=st.sampled_from([1e-20, 1e-3, 1.0, 1e10]),
    dtype=st.sampled_from(["float32", "bfloat16"]),
)
def test_every_weight_is_off_by_half_a_scale_at_most(
    seed: int, magnitude: float, dtype: str
) -> None:
    layer = linear()
    columns = magnitude * jnp.array([1.0, 10.0, 1e-2, 1.0, 0.0])
    layer.kernel = (jax.random.normal(jax.random.key(seed), (32, 5)) * columns).astype(dtype)
    small = nn.QuantizedLinear.from_linear(layer)
    assert small.kernel.dtype == jnp.int8
    assert small.scale.dtype == jnp.float32
    kernel = np.asarray(layer.kernel, np.float64)
    scale = np.asarray(small.scale, np.float64)
    error = np.abs(kernel - np.asarray(small.kernel, np.float64) * scale)
    assert (error <= scale / 2 * (1 + 1e-4)).all()  # the division by the scale is rounded too
    largest = np.abs(np.asarray(small.kernel)).max(0)
    np.testing.assert_array_equal(largest, np.where(kernel.any(0), 127, 0))
    np.testing.assert_array_equal(small.dequantized()[:, 4], 0.0)


@pytest.mark.parametrize("use_bias", [True, False])
def test_it_computes_with_the_numbers_that_the_kernel_stands_for(use_bias: bool) -> None:
    layer = linear(use_bias=use_bias)
    small = nn.QuantizedLinear.from_linear(layer)
    layer.kernel = small.dequantized()
    np.testing.assert_allclose(small(X), layer(X), rtol=1e-5, atol=1e-5)
    both = jax.jit(
        lambda x: [jax.grad(lambda x, f=f: (f(x) ** 2).sum())(x) for f in (small, layer)]
    )
    np.testing.assert_allclose(*both(X), rtol=1e-4, atol=1e-4)


def test_it_computes_nearly_what_the_layer_does() -> None:
    layer = linear()
    for quantize_inputs in (False, True):
        small = nn.QuantizedLinear.from_linear(layer, quantize_inputs=quantize_inputs)
        error = jnp.abs(small(X) - layer(X))
        assert 0 < error.max() < 0.05


def test_quantised_inputs_are_multiplied_as_integers() -> None:
    small = nn.QuantizedLinear.from_linear(linear(), quantize_inputs=True)
    scale = np.abs(X).max(-1, keepdims=True) / 127
    whole = np.round(X / scale).astype(np.int32)
    expected = (whole @ np.asarray(small.kernel, np.int32)) * scale * small.scale + small.bias
    np.testing.assert_allclose(small(X), expected, rtol=1e-5, atol=1e-5)
    zeros = small(jnp.zeros((2, 32)))
    np.testing.assert_allclose(zeros, np.broadcast_to(small.bias, (2, 5)), rtol=1e-6)


@pytest.mark.parametrize("quantize_inputs", [True, False])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_output_is_as_the_input_and_sums_are_wider(dtype: str, quantize_inputs: bool) -> None:
    small = nn.QuantizedLinear.from_linear(linear(), quantize_inputs=quantize_inputs)
    y = small(X.astype(dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y.astype(jnp.float32), small(X), atol=0.1)
    ones = nn.QuantizedLinear(1, kernel_init="ones").init(0, jnp.ones(3000))
    assert float(ones(jnp.ones(3000, dtype))[0]) == pytest.approx(3000, rel=5e-3)  # 127 * 3000
    assert nn.QuantizedLinear(2, dtype="bfloat16").init(0, X)(X).dtype == jnp.bfloat16
    assert small(jnp.ones((2, 32), jnp.int32)).dtype == jnp.float32


@pytest.mark.parametrize("shape", [(32,), (2, 3, 32), (0, 32)])
@pytest.mark.parametrize("quantize_inputs", [True, False])
def test_any_number_of_leading_axes(shape: tuple[int, ...], quantize_inputs: bool) -> None:
    small = nn.QuantizedLinear.from_linear(linear(), quantize_inputs=quantize_inputs)
    assert tx.jit(small)(np.ones(shape, np.float32)).shape == (*shape[:-1], 5)


def test_no_features_at_all() -> None:
    for quantize_inputs in (False, True):
        empty = nn.QuantizedLinear(3, quantize_inputs=quantize_inputs).init(0, jnp.ones((2, 0)))
        np.testing.assert_array_equal(empty(jnp.ones((2, 0))), np.zeros((2, 3)))


def test_nothing_trains() -> None:
    small = nn.QuantizedLinear.from_linear(linear())
    assert small.parameters().state_dict() == {}
    assert list(small.model_states().state_dict()) == ["kernel", "scale", "bias"]
    gradients = tx.grad(lambda pair: (pair[0](X) ** 2).sum() + (pair[1](X) ** 2).sum())(
        [small, linear()]
    )
    assert gradients[0].state_dict() == {}


def test_built_directly_it_is_a_place_for_a_checkpoint() -> None:
    small = nn.QuantizedLinear.from_linear(linear())
    place = nn.QuantizedLinear(5).init(1, X)
    expected = nn.QuantizedLinear.from_linear(nn.Linear(5).init(1, X))
    assert place.kernel.shape == expected.kernel.shape
    assert 20 < jnp.abs(place.kernel.astype(jnp.float32)).mean() < 100
    place.load_state_dict(small.state_dict())
    np.testing.assert_array_equal(place(X), small(X))


def test_a_whole_model_and_parts_of_it() -> None:
    model = nn.Sequential(nn.MLP([64, 16]), nn.LayerNorm(), nn.Linear(2)).init(0, X).eval()
    small = nn.quantize(model, "layers/0/**", quantize_inputs=True)
    kinds = [type(module).__name__ for _, module in small.modules()]
    assert kinds == [
        "Sequential",
        "MLP",
        "QuantizedLinear",
        "QuantizedLinear",
        "LayerNorm",
        "Linear",
    ]
    assert small.layers[0].layers[0].quantize_inputs
    assert not any(module.training for _, module in small.modules())
    np.testing.assert_allclose(tx.jit(small)(X), model(X), atol=0.1)
    assert type(model.layers[0].layers[0]) is nn.Linear
    assert nn.quantize(model, inplace=True) is model
    assert not any(type(module) is nn.Linear for _, module in model.modules())
    stored = sum(value.nbytes for path, value in model.state_dict().items() if "kernel" in path)
    assert stored == 32 * 64 + 64 * 16 + 16 * 2


def test_repeated_blocks_have_scales_of_their_own() -> None:
    model = nn.Repeated(nn.Linear(32), 3).init(0, X)
    small = nn.quantize(model)
    assert (small.block.kernel.shape, small.block.scale.shape) == ((3, 32, 32), (3, 32))
    error = jnp.abs(small.block.dequantized() - model.block.kernel)
    assert (error <= 0.501 * small.block.scale[:, None]).all()
    np.testing.assert_allclose(small(X), model(X), atol=0.1)
    alone = [nn.QuantizedLinear.from_linear(block) for block in model.unstacked()]
    for block, expected in zip(small.unstacked(), alone, strict=True):
        np.testing.assert_array_equal(block.kernel, expected.kernel)
        np.testing.assert_array_equal(block.scale, expected.scale)


def test_what_cannot_be_quantised_is_refused() -> None:
    for layer in (nn.LayerNorm(), nn.LoRALinear(3, 2)):
        with pytest.raises(ArgumentError, match=r"QuantizedLinear.from_linear: expected `layer`"):
            nn.QuantizedLinear.from_linear(layer)
    with pytest.raises(NotInitializedError, match="one whose `kernel` is not created yet"):
        nn.quantize(nn.MLP([3, 2]))
    small = nn.QuantizedLinear.from_linear(linear())
    with pytest.raises(ShapeError, match=r"a last axis for the features of size 32 \(as `kernel`"):
        small(jnp.ones((2, 5)))
    with pytest.raises(ShapeError, match=r"`x` to have a last axis for the features, received"):
        nn.QuantizedLinear(3).init(0, jnp.ones(()))
    with pytest.raises(ArgumentError, match="`features` to be an integer of at least 1"):
        nn.QuantizedLinear(0)


def test_transformers_are_quantised() -> None:
    x = jax.random.normal(jax.random.key(0), (2, 5, 16))
    model = nn.TransformerEncoderLayer(2, 32).init(0, x)
    small = nn.quantize(model)
    assert small.attention.query.kernel.dtype == small.feed_forward.down.kernel.dtype == jnp.int8
    found, expected = np.asarray(tx.jit(small)(x)), np.asarray(tx.jit(model)(x))
    assert abs(found - expected).max() < 0.02 * abs(expected).max()
