"""Regularizers by name, and what may be written in place of one."""

from typing import Any

import jax.numpy as jnp
import pytest

from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.constraints import MaxNorm
from treexlite.regularizers import L1, L1L2, L2, Orthogonal, Regularizer, get, register
from treexlite.regularizers._registry import as_regularizers


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("l1", L1),
        ("L2", L2),
        ("l1_l2", L1L2),
        ("L1L2", L1L2),
        ("orthogonal", Orthogonal),
        ("OrthogonalRegularizer", Orthogonal),
    ],
)
def test_names(name: str, cls: type[Regularizer]) -> None:
    assert type(get(name)) is cls


def test_options_by_keyword() -> None:
    assert get("l1", strength=0.5, which="a").which == "a"
    with pytest.raises(ArgumentError, match=r"regularizers.get\('l1'\): expected options as in"):
        get("l1", rate=0.5)


def test_an_unknown_name_is_refused_with_the_close_ones() -> None:
    message = r"regularizers\.get: expected the name of a regularizer .* Did you mean 'orthogonal'"
    with pytest.raises(UnknownNameError, match=message):
        get("ortogonal")


def test_own_names_are_checked() -> None:
    with pytest.raises(ArgumentError, match=r"regularizers.register: expected a name that is free"):
        register("l2", L2)


def test_one_or_several_of_any_form() -> None:
    def as_tuple(value: Any) -> tuple[Regularizer, ...]:
        return as_regularizers("Trainer", "regularizers", value)

    l2 = L2()
    assert as_tuple(None) == ()
    assert as_tuple(l2) == (l2,)
    first, second, third = as_tuple(["l1", (l2, lambda kernel: 3 * kernel.sum())])
    assert (type(first), second) == (L1, l2)
    assert third(jnp.ones(4)) == 12


@pytest.mark.parametrize("value", [3, L2, [None, 0.1], MaxNorm()])
def test_what_is_none_is_refused(value: Any) -> None:
    message = "Trainer: expected `regularizers` to be a `tx.regularizers.Regularizer`, a name, a f"
    with pytest.raises(ArgumentError, match=message):
        as_regularizers("Trainer", "regularizers", value)
    with pytest.raises(UnknownNameError, match=r"Trainer: .* Did you mean 'l2'"):
        as_regularizers("Trainer", "regularizers", ["l22"])
