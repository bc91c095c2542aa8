"""EinMix, against einsum."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (2, 5, 6))


def test_a_linear_layer() -> None:
    layer = nn.EinMix("b t i -> b t o", "i o", "o", o=4, bias_init="normal").init(0, X)
    assert layer.kernel.shape == (6, 4)
    np.testing.assert_allclose(layer(X), X @ layer.kernel + layer.bias, rtol=1e-5, atol=1e-6)


def test_heads_have_matrices_of_their_own() -> None:
    layer = nn.EinMix("b t (h i) -> b (h o) t", "h o i", "o h", h=2, o=4, bias_init="normal")
    layer = layer.init(0, X)
    assert (layer.kernel.shape, layer.bias.shape) == ((2, 4, 3), (4, 2))
    parts = np.asarray(X).reshape(2, 5, 2, 3)
    expected = np.einsum("bthi,hoi->bhot", parts, layer.kernel)
    expected = (expected + np.asarray(layer.bias).T[None, :, :, None]).reshape(2, 8, 5)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-6)


def test_axes_of_size_one() -> None:
    layer = nn.EinMix("b 1 i -> 1 b o", "i o", o=2).init(0, X[:, :1])
    assert layer.bias is None
    np.testing.assert_allclose(layer(X[:, :1])[0], X[:, 0] @ layer.kernel, rtol=1e-5, atol=1e-6)


def test_the_ellipsis_stands_for_any_axes() -> None:
    layer = nn.EinMix("... t i -> o ... t", "i o", "t o", o=4, bias_init="normal").init(0, X)
    for x in (X[0], X, X[None]):
        expected = jnp.moveaxis(x @ layer.kernel + layer.bias[..., :], -1, 0)
        np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)
    merged = nn.EinMix("... i -> (... o)", "i o", o=2).init(0, X)
    np.testing.assert_allclose(merged(X), (X @ merged.kernel).ravel(), rtol=1e-5, atol=1e-6)


def test_channelwise_scale_and_sums() -> None:
    scale = nn.EinMix("b t c -> b t c", "c", kernel_init="ones").init(0, X)
    np.testing.assert_array_equal(scale(X), X)
    total = nn.EinMix("b t c -> b c", "c", kernel_init="ones").init(0, X)
    np.testing.assert_allclose(total(X), X.sum(1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weight_shape", ["i j o", "o j i", "j o i"])
def test_the_variance_does_not_depend_on_the_order_of_the_axes(weight_shape: str) -> None:
    """Of the output it is that of the input, because as many values are summed."""
    layer = nn.EinMix("b i j -> b o", weight_shape, o=200).init(0, jnp.ones((1, 8, 16)))
    assert abs(float(layer.kernel.std()) * (8 * 16) ** 0.5 - 1) < 0.05


def test_sizes_may_be_given_and_are_checked() -> None:
    layer = nn.EinMix("b t i -> b t o", "i o", i=6, o=4)
    assert layer.init(0, X).kernel.shape == (6, 4)
    with pytest.raises(ShapeError, match="EinMix: expected `x` to fit the pattern 'b t i ->"):
        layer.init(0, X[..., :5])


def test_other_inputs_are_refused_after_init() -> None:
    layer = nn.EinMix("b t (h i) -> b t (h o)", "h i o", h=2, o=4).init(0, X)
    with pytest.raises(ShapeError, match=r"`x` to fit the pattern .* received .* \(2, 5, 8\)"):
        layer(jnp.ones((2, 5, 8)))
    with pytest.raises(ShapeError, match="einops says"):
        layer(X[0])


def test_it_trains_in_half_precision() -> None:
    layer = nn.EinMix("b t i -> b t o", "i o", "o", o=4, dtype="bfloat16").init(0, X)
    assert layer(X).dtype == jnp.bfloat16
    gradient = tx.grad(lambda m: m(X).astype(jnp.float32).sum())(layer)
    assert gradient.kernel.dtype == gradient.bias.dtype == jnp.float32


def test_empty_batches() -> None:
    layer = nn.EinMix("b t i -> b t o", "i o", "o", o=4).init(0, X)
    assert layer(X[:0]).shape == (0, 5, 4)


@pytest.mark.parametrize(
    ("arguments", "sizes", "message"),
    [
        (("b i, b o", "i o"), {"o": 2}, "`pattern` to have two sides"),
        (("b i -> b o -> o", "i o"), {"o": 2}, "`pattern` to have two sides"),
        (("b (i -> b o", "i o"), {"o": 2}, "a pattern that einops can read"),
        (("b i -> b o)", "i o"), {"o": 2}, "a pattern that einops can read"),
        (("b i i -> b o", "i o"), {"o": 2}, "a pattern that einops can read"),
        (("(b ...) i -> b ... o", "i o"), {"o": 2}, "a pattern that einops can read"),
        (("b i -> b o", "(i o)"), {"o": 2}, "`weight_shape` to be different names of axes"),
        (("b i -> b o", "... o"), {"o": 2}, "`weight_shape` to be different names"),
        (("b i -> b o", "i i"), {"o": 2}, "`weight_shape` to be different names"),
        (("b i -> b o", "i o", "o 1"), {"o": 2}, "`bias_shape` to be different names"),
        (("b i -> b o", "i o", 3), {"o": 2}, "`bias_shape` to be a string"),
        (("b i -> b o", 3), {"o": 2}, "`weight_shape` to be a string"),
        ((3, "i o"), {"o": 2}, "`pattern` to be a string"),
        (("... i -> b o", "i o"), {"o": 2}, r"`...` on both sides .* received `...`"),
        (("b i -> b o d", "i o"), {"o": 2}, "axis on the right to be .* received `d`"),
        (("b i -> b o", "i o z"), {"o": 2}, "axis of `weight_shape` to be in the .* `z`"),
        (("b i -> b o", "i o", "i"), {"o": 2}, "`bias_shape` to be on the right, received `i`"),
        (("b i -> b o", "i o"), {}, "the size of every axis that only the kernel has, .*`o`"),
        (("b i -> b o", "i o"), {"o": 2, "k": 3}, "sizes of axes that there are, received `k`"),
        (("b i -> b o", "i o"), {"o": 0}, "`o` to be an integer of at least 1"),
        (("b i -> b o", "i o"), {"o": 2, "dtype": int}, "`dtype` to be a floating dtype"),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments: Any, sizes: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.EinMix(*arguments, **sizes)


def test_initialisers_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="EinMix: expected the name of an initialiser"):
        nn.EinMix("b i -> b o", "i o", o=2, kernel_init="lecun")
