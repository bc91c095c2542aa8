"""Einsum: equations, the sizes of their letters, and what makes no sense."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import treexlite as tx
from treexlite import nn
from treexlite._errors import ArgumentError, ShapeError, UnknownNameError

X = jax.random.normal(jax.random.key(0), (2, 3, 4))


@pytest.mark.parametrize(
    ("equation", "sizes", "bias_axes", "bias_shape"),
    [
        ("abc,cd->abd", {"d": 5}, "d", (5,)),
        ("abc, cde -> abde", {"d": 5, "e": 6}, "ed", (5, 6)),
        ("...c,cde->...de", {"d": 5, "e": 6}, "e", (6,)),
        ("a...c,cd->da...", {"d": 5}, "ad", (5, 2)),
        ("abc,bcd->ad", {"d": 5, "b": 3}, None, None),
        ("abc,bcd->abd", {"d": 5}, "bd", (3, 5)),
        ("abc,b->abc", None, "b", (3,)),
        ("abc,cd->d", {"d": 5}, "d", (5,)),
        ("abc,cde->abd", {"d": 5, "e": 2}, "", ()),
    ],
)
def test_it_computes_what_the_equation_says(
    equation: str, sizes: Any, bias_axes: str | None, bias_shape: Any
) -> None:
    layer = nn.Einsum(equation, sizes, bias_axes=bias_axes, bias_init="normal").init(0, X)
    expected = np.einsum(equation, X, layer.kernel)
    if bias_axes is None:
        assert layer.bias is None
    else:
        assert layer.bias.shape == bias_shape
        y = equation.split("->")[1].strip().replace("...", "xy" if equation[0] == "." else "x")
        letters = "".join(letter for letter in y if letter in bias_axes)
        expected = expected + np.einsum(f"{y},{letters}->{y}", np.ones(expected.shape), layer.bias)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-4, atol=1e-5)


def test_letters_that_all_have_get_one_matrix_each() -> None:
    x = jax.random.normal(jax.random.key(1), (500, 6, 30))
    layer = nn.Einsum("nhc,hcd->nhd", {"d": 20}).init(0, x)
    np.testing.assert_allclose(layer.kernel.std(), 30**-0.5, rtol=0.05)
    np.testing.assert_allclose(layer(x).std(), 1, rtol=0.05)


def test_dots_take_any_number_of_axes() -> None:
    layer = nn.Einsum("...c,cd->...d", {"d": 5}, bias_axes="d").init(0, X)
    for shape in [(4,), (7, 4), (0, 4), (1, 2, 3, 4)]:
        assert layer(jnp.ones(shape)).shape == (*shape[:-1], 5)


def test_it_prints_as_it_was_written_and_is_alike_when_written_alike() -> None:
    one, other = (nn.Einsum("ab, bc -> ac", {"c": 2}) for _ in range(2))
    assert "equation='ab,bc->ac'" in repr(one)
    assert jax.tree.structure(one) == jax.tree.structure(other)


@pytest.mark.parametrize(
    "equation",
    [
        "abc",
        "abc,cd",
        "ab,bc,cd->ad",
        "abc,cd->abx",
        "aab,bc->ac",
        "ab,bbc->ac",
        "ab,bc->acc",
        "...a,ab->b",
        "a,ab->...b",
        "...a...,ab->b",
        "..a,ab->..b",
        "a,->a",
        "a1,1b->ab",
        3,
    ],
)
def test_equations_that_make_no_sense_are_refused(equation: Any) -> None:
    with pytest.raises(ArgumentError, match=r"Einsum: expected `equation` to name the axes of"):
        nn.Einsum(equation, {"b": 2, "c": 2, "d": 2})


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (None, r"`sizes` to have 'd', 'e': the letters of 'ac,cde->ade' that `x` does not"),
        ({"d": 2}, r"`sizes` to have 'd', 'e'"),
        ({"d": 2, "e": 2, "z": 2}, r"received sizes=\{'d': 2, 'e': 2, 'z': 2\}"),
        ([2, 2], r"received sizes=\[2, 2\]"),
        ({"d": 2, "e": 0}, "`e` to be an integer of at least 1"),
    ],
)
def test_sizes_are_checked(sizes: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        nn.Einsum("ac,cde->ade", sizes)


@pytest.mark.parametrize("bias_axes", ["c", "...", 3])
def test_the_axes_of_the_bias_are_checked(bias_axes: Any) -> None:
    with pytest.raises(ArgumentError, match=r"`bias_axes` to be letters of the output '\.\.\.d'"):
        nn.Einsum("...c,cd->...d", {"d": 2}, bias_axes=bias_axes)


def test_inputs_that_do_not_fit_are_refused() -> None:
    for shape in [(4,), (2, 3, 4, 5), (2, 3, 5)]:
        with pytest.raises(ShapeError, match=r"`x` to have the axes 'abc' with c=4, d=5"):
            nn.Einsum("abc,cd->abd", {"c": 4, "d": 5}).init(0, jnp.ones(shape))
    with pytest.raises(ShapeError, match=r"`x` to have the axes '...bc'"):
        nn.Einsum("...bc,cd->...bd", {"d": 5}).init(0, jnp.ones(4))
    layer = nn.Einsum("abc,cd->abd", {"d": 5}, bias_axes="bd").init(0, X)
    with pytest.raises(ShapeError, match=r"the axes 'abc' of `x` to have c=4 \(as the parameters"):
        layer(jnp.ones((2, 3, 5)))
    with pytest.raises(ShapeError, match=r"the axes 'abc' of `x` to have b=3 \(as the parameters"):
        layer(jnp.ones((2, 2, 4)))


def test_names_and_dtypes_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'lecun_"):
        nn.Einsum("ab,bc->ac", {"c": 2}, kernel_init="lecun")
    with pytest.raises(ArgumentError, match="`param_dtype` to be a floating dtype"):
        nn.Einsum("ab,bc->ac", {"c": 2}, param_dtype=int)


def test_it_trains() -> None:
    layer = nn.Einsum("...c,cd->...d", {"d": 5}, bias_axes="d").init(0, X)
    gradients = tx.grad(lambda layer: (layer(X) ** 2).sum())(layer)
    assert list(gradients.state_dict()) == ["kernel", "bias"]
