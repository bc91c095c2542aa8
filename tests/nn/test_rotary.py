"""RotaryEmbedding: products depend on differences of positions, lengths on nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError

X = jax.random.normal(jax.random.key(0), (2, 5, 3, 8))


@pytest.mark.parametrize("interleaved", [False, True])
def test_products_depend_on_differences_only(interleaved: bool) -> None:
    rotary = nn.RotaryEmbedding(interleaved=interleaved)

    def products(shift: int) -> jax.Array:
        turned = rotary(X, jnp.arange(5) + shift)
        return jnp.einsum("bthd,bshd->bhts", turned, turned)

    np.testing.assert_allclose(products(0), products(11), atol=1e-4)
    assert not np.allclose(rotary(X), X, atol=0.1)


@pytest.mark.parametrize("interleaved", [False, True])
def test_pairs_are_turned_by_their_angles(interleaved: bool) -> None:
    y = nn.RotaryEmbedding(interleaved=interleaved, base=100.0)(X)
    first, second = (X[..., ::2], X[..., 1::2]) if interleaved else (X[..., :4], X[..., 4:])
    angles = np.arange(5)[:, None] * 100.0 ** (-np.arange(4) / 4)
    turned = (np.asarray(first) + 1j * np.asarray(second)) * np.exp(1j * angles)[:, None]
    theirs = (y[..., ::2], y[..., 1::2]) if interleaved else (y[..., :4], y[..., 4:])
    np.testing.assert_allclose(theirs[0], turned.real, atol=1e-5)
    np.testing.assert_allclose(theirs[1], turned.imag, atol=1e-5)


def test_a_fraction_leaves_the_rest_alone() -> None:
    y = nn.RotaryEmbedding(fraction=0.5)(X)
    np.testing.assert_allclose(y[..., :4], nn.RotaryEmbedding()(X[..., :4]), atol=1e-6)
    np.testing.assert_array_equal(y[..., 4:], X[..., 4:])
    np.testing.assert_array_equal(nn.RotaryEmbedding(fraction=0.0)(X), X)


def test_scaling_by_a_number_or_a_function() -> None:
    halved = nn.RotaryEmbedding(scaling=2.0)(X)
    np.testing.assert_allclose(halved, nn.RotaryEmbedding()(X, jnp.arange(5) / 2), atol=1e-6)
    by_function = nn.RotaryEmbedding(scaling=lambda frequencies: frequencies / 2)(X)
    np.testing.assert_allclose(by_function, halved, atol=1e-6)


def test_axes_and_dtypes() -> None:
    rotary = nn.RotaryEmbedding()
    np.testing.assert_allclose(rotary(X[0]), rotary(X)[0], atol=1e-6)
    positions = jnp.array([[0, 1, 2, 3, 4], [4, 3, 2, 1, 0]])
    np.testing.assert_allclose(rotary(X, positions)[0], rotary(X)[0], atol=1e-6)
    assert rotary(X.astype("bfloat16")).dtype == jnp.bfloat16
    assert rotary(jnp.ones((2, 1, 4), int)).dtype == jnp.float32


def test_far_positions_in_half_precision_keep_their_angle() -> None:
    x = jnp.ones((1, 1, 8))
    y = nn.RotaryEmbedding()(x.astype("bfloat16"), jnp.array([1001]))
    np.testing.assert_allclose(y.astype(float), nn.RotaryEmbedding()(x, [1001]), atol=0.02)


def test_what_is_refused() -> None:
    with pytest.raises(ArgumentError, match="an even number of features to turn, received 3 of"):
        nn.RotaryEmbedding()(X[..., :3])
    with pytest.raises(ShapeError, match=r"`x` to have the axes \(..., time, heads, head_dim\)"):
        nn.RotaryEmbedding()(X[0, 0])
    with pytest.raises(ShapeError, match=r"`positions` to broadcast to \(\*batch, time\)=\(2, 5\)"):
        nn.RotaryEmbedding()(X, jnp.arange(4))
    for name in ("base", "scaling"):
        with pytest.raises(ArgumentError, match=f"`{name}` to be a finite number above 0"):
            nn.RotaryEmbedding(**{name: 0.0})
    with pytest.raises(ArgumentError, match="`fraction` to be a number from 0 to 1"):
        nn.RotaryEmbedding(fraction=2.0)
