from __future__ import annotations

from typing import Any

import pytest

import treexlite as tx
from treexlite._errors import ArgumentError
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
