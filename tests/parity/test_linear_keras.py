"""What Keras alone has: some functions, equations with biases, dynamic int8. To 1e-5 in float32."""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import examples
from tests.parity.compare import assert_close, compare_with_function
from treexlite import nn

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="Keras is not installed")

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="Keras runs without JAX")
sizes = st.integers(1, 5)


NAMES = ["hard_shrink", "soft_shrink", "tanh_shrink", "squareplus", "sparse_plus", "threshold"]


@on_jax
@pytest.mark.parametrize("name", NAMES)
def test_functions_of_the_same_name(name: str) -> None:
    arguments = (0.3, -1.0) if name == "threshold" else ()
    x = 2 * jax.random.normal(jax.random.key(1), (50,))
    theirs = getattr(keras.activations, name)
    assert_close(getattr(nn, name)(x, *arguments), theirs(x, *arguments))


@on_jax
@settings(max_examples=examples(4))
@given(
    case=st.sampled_from(
        [
            ("abc,cd->abd", {"d": 3}, "d", (None, 3)),
            ("abc,cde->abde", {"d": 3, "e": 2}, "e", (None, 3, 2)),
            ("abc,cde->abde", {"d": 3, "e": 2}, "de", (None, 3, 2)),
            ("...c,cd->...d", {"d": 3}, "d", 3),
        ]
    ),
    shape=st.tuples(sizes, sizes, sizes),
)
def test_einsum_dense(case: Any, shape: tuple[int, ...]) -> None:
    equation, letters, bias_axes, output_shape = case
    x = jax.random.normal(jax.random.key(0), shape)
    ours = nn.Einsum(equation, letters, bias_axes=bias_axes, bias_init="normal").init(1, x)
    theirs = keras.layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)
    theirs.build(shape)

    def function(arrays: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        bias = arrays["bias"].reshape(theirs.bias.shape)
        outputs, _ = theirs.stateless_call([arrays["kernel"], bias], [], x)
        return outputs

    compare_with_function(ours, function, x)


@on_jax
@settings(max_examples=examples(4))
@given(shape=st.lists(sizes, min_size=1, max_size=2), features=sizes, width=st.integers(2, 40))
def test_int8_inputs_and_kernels(shape: list[int], features: int, width: int) -> None:
    x = jax.random.normal(jax.random.key(0), (*shape, width))
    layer = nn.Linear(features, bias_init="normal").init(1, x)
    theirs = keras.layers.Dense(features)
    theirs.build(x.shape)
    theirs.kernel.assign(layer.kernel)
    theirs.bias.assign(layer.bias)
    theirs.quantize("int8")
    ours = nn.QuantizedLinear.from_linear(layer, quantize_inputs=True)
    whole = np.asarray(theirs._kernel if hasattr(theirs, "_kernel") else theirs.kernel)
    np.testing.assert_array_equal(ours.kernel, whole)
    # Keras adds 1e-7 to the largest value before it divides, and rounds what follows.
    assert_close(ours(x), jnp.asarray(theirs(x)), 1e-4)
