"""Constraints by name, and what may be written in place of one."""

from typing import Any

import jax.numpy as jnp
import pytest

from treexlite._errors import ArgumentError, UnknownNameError
from treexlite.constraints import (
    ClipWeights,
    Constraint,
    MaxNorm,
    MinMaxNorm,
    NonNegative,
    UnitNorm,
    get,
    register,
)
from treexlite.constraints._registry import as_constraints
from treexlite.regularizers import L2


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("max_norm", MaxNorm),
        ("MaxNorm", MaxNorm),
        ("non_neg", NonNegative),
        ("NonNeg", NonNegative),
        ("unit_norm", UnitNorm),
        ("min_max_norm", MinMaxNorm),
        ("clip_weights", ClipWeights),
    ],
)
def test_names(name: str, cls: type[Constraint]) -> None:
    assert type(get(name)) is cls


def test_options_by_keyword() -> None:
    assert get("unit_norm", axis=-1).axis == (-1,)
    with pytest.raises(ArgumentError, match=r"constraints.get\('unit_norm'\): expected options as"):
        get("unit_norm", length=2)


def test_an_unknown_name_is_refused_with_the_close_ones() -> None:
    message = r"constraints\.get: expected the name of a constraint .* Did you mean 'max_norm'"
    with pytest.raises(UnknownNameError, match=message):
        get("max_nrom")


def test_own_names_are_checked() -> None:
    with pytest.raises(ArgumentError, match=r"constraints.register: expected a name that is free"):
        register("max_norm", MaxNorm)


def test_one_or_several_of_any_form() -> None:
    def as_tuple(value: Any) -> tuple[Constraint, ...]:
        return as_constraints("A", "constraint", value)

    norm = MaxNorm()
    assert as_tuple(None) == ()
    assert as_tuple(norm) == (norm,)
    first, second, third = as_tuple(["non_neg", (norm, jnp.abs)])
    assert (type(first), second) == (NonNegative, norm)
    assert third(jnp.array([-1.0])) == 1


@pytest.mark.parametrize("value", [3, MaxNorm, [None, 0.1], L2()])
def test_what_is_none_is_refused(value: Any) -> None:
    message = "A: expected `constraint` to be a `tx.constraints.Constraint`, a name, a function"
    with pytest.raises(ArgumentError, match=message):
        as_constraints("A", "constraint", value)
