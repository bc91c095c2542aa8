"""Rearrange and Reduce: what einops does, with errors that say which layer."""

import pickle
from typing import Any

import einops
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))


@pytest.mark.parametrize(
    ("pattern", "sizes"),
    [
        ("b h w c -> b c h w", {}),
        ("b (h p) (w q) c -> b (h w) (p q c)", {"p": 2, "q": 3}),
        ("b ... c -> b c ...", {}),
        ("b h w c -> b 1 (h w c)", {}),
    ],
)
def test_it_rearranges(pattern: str, sizes: dict[str, int]) -> None:
    expected = einops.rearrange(np.asarray(X), pattern, **sizes)
    layer = nn.Rearrange(pattern, **sizes)
    np.testing.assert_array_equal(layer(X), expected)
    np.testing.assert_array_equal(layer(np.asarray(X)), expected)
    np.testing.assert_array_equal(tx.jit(layer)(X), expected)


@pytest.mark.parametrize("reduction", ["mean", "sum", "max", "min", "prod", np.ptp])
def test_it_reduces(reduction: Any) -> None:
    pattern = "b (h p) w c -> b c h"
    theirs = reduction if isinstance(reduction, str) else lambda x, axes: np.ptp(x, axes)
    ours = reduction if isinstance(reduction, str) else lambda x, axes: jnp.ptp(x, axes)
    expected = einops.reduce(np.asarray(X), pattern, theirs, p=2)
    np.testing.assert_allclose(nn.Reduce(pattern, ours, p=2)(X), expected, rtol=1e-5, atol=1e-6)


def test_means_of_halves_are_taken_in_float32() -> None:
    x = jnp.full((1, 4096), 1.0, jnp.bfloat16)
    y = nn.Reduce("b n -> b", "mean")(x)
    assert y.dtype == jnp.bfloat16
    assert float(y[0]) == 1.0


def test_it_prints_and_pickles() -> None:
    layer = nn.Rearrange("b (h p) w c -> b h p w c", p=2)
    assert repr(layer) == "Rearrange(pattern='b (h p) w c -> b h p w c', sizes={'p': 2})"
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(X), layer(X))


def test_an_input_that_does_not_fit_is_refused_with_the_path() -> None:
    model = nn.Sequential(nn.Rearrange("b (h p) -> b h p", p=4))
    message = (
        r"Rearrange at layers/0: expected `x` to fit the pattern 'b \(h p\) -> b h p', received"
        r" x=array of shape \(2, 6\) and dtype float32. einops says: Shape mismatch, can't divide"
    )
    with pytest.raises(ShapeError, match=message):
        model(jnp.ones((2, 6)))
    with pytest.raises(ShapeError, match="Reduce: expected `x` to fit the pattern 'b c -> b'"):
        nn.Reduce("b c -> b", "sum")(X)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Rearrange("b c -> b d"), "Rearrange: expected a pattern .* einops says: Ident"),
        (lambda: nn.Rearrange("b (c -> b c"), "a pattern that einops can read"),
        (lambda: nn.Rearrange("b c"), "`pattern` to have two sides"),
        (lambda: nn.Rearrange("b c -> c b", d=3), "a pattern that einops can read"),
        (lambda: nn.Rearrange(3), "`pattern` to be a string with the names of axes"),
        (lambda: nn.Rearrange("(b p) -> b p", p=0), "`p` to be an integer of at least 1"),
        (lambda: nn.Reduce("b c -> b", "median"), "Reduce: expected a pattern .*Unknown reduct"),
        (lambda: nn.Reduce("b -> c -> b", "sum"), "Reduce: expected `pattern` to have two sides"),
        (lambda: nn.Reduce(None, "sum"), "`pattern` to be a string"),
        (lambda: nn.Reduce("(b p) -> b", "sum", p=1.5), "`p` to be an integer"),
    ],
)
def test_patterns_are_read_when_the_layer_is_built(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def test_the_mean_of_integers_is_not_rounded() -> None:
    y = nn.Reduce("b f -> b", "mean")(jnp.array([[1, 2], [3, 3]]))
    np.testing.assert_array_equal(y, np.array([1.5, 3.0], np.float32))
