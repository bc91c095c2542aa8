from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import untouched
from tests.transforms.stateful import Stateful, X
from treexlite._errors import ArgumentError, StructureError
from treexlite.transforms._custom import no_rule, positional


def f(a: Any, b: Any = 2, c: Any = 3) -> Any:
    return a


def test_keywords_and_defaults_are_put_into_their_positions() -> None:
    custom = tx.custom_vjp(f, nondiff_argnums=2)
    args, statics = positional(custom, custom.static, (1,), {"c": 5})
    assert args == (1, 2, None)
    assert [(place, static.value) for place, static in statics] == [(2, 5)]


def test_keyword_only_arguments_are_refused() -> None:
    custom = tx.custom_jvp(lambda *, k: k)
    with pytest.raises(ArgumentError, match="keyword-only 'k'"):
        positional(custom, custom.static, (), {"k": 1})


def test_the_error_without_a_rule_names_the_function() -> None:
    assert "f.defvjp(a, b)" in str(no_rule(tx.custom_vjp(f), "defvjp(a, b)"))


def total(model: Stateful, x: Any) -> Any:
    model.count = model.count + 1
    return (model.w * x).sum()


def forgetful_vjp() -> Any:
    custom = tx.custom_vjp(total)
    custom.defvjp(lambda m, x: ((m.w * x).sum(), None), lambda res, ct: (None, None))
    return custom


def forgetful_jvp() -> Any:
    custom = tx.custom_jvp(total)
    custom.defjvp(lambda p, t: ((p[0].w * p[1]).sum(), 0.0 * t[1].sum()))
    return custom


@pytest.mark.parametrize("make", [forgetful_vjp, forgetful_jvp])
def test_a_rule_that_writes_to_other_fields_is_explained(make: Any) -> None:
    """In a loop JAX needs both in one program, and would show two tree structures."""
    model, custom = Stateful(), make()

    def loss_fn(model: Stateful) -> Any:
        return tx.scan(lambda m, x: (m, custom(m, x)), model, X)[1].sum()

    with untouched(model), pytest.raises(StructureError, match=r"\(`count`\), received .* none"):
        tx.grad(loss_fn)(model)
    assert jnp.isfinite(tx.jit(loss_fn)(model))
