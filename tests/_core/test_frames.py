"""The stack tells which line wrote, and whose argument a module is."""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from tests._core.modules import Scale, Zoo
from treexlite._core import _frames
from treexlite._core._frames import argument_of, jax_frames, user_line


def test_the_line_is_the_users() -> None:
    line = user_line()
    assert line.file == __file__
    assert line.number == sys._getframe().f_lineno - 2
    assert line.module is globals()


def test_a_line_is_shown_from_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(_frames.Line(str(tmp_path / "a" / "b.py"), 3, {})) == "a/b.py:3"
    assert str(_frames.Line("/elsewhere/c.py", 4, {})) == "c.py:4"


FOUND: list[Any] = []
"""What a look from inside a traced function found."""


def look(model: Any) -> None:
    FOUND.append(argument_of(model))


@pytest.fixture(autouse=True)
def empty() -> None:
    FOUND.clear()


def in_argument(model: Zoo, x: Any) -> Any:
    look(model.kids[0])
    return x


def in_container(*args: Any, **rest: Any) -> Any:
    look(args[0]["k"][0])
    look(rest["named"])
    return args[1]


def test_a_module_is_found_in_the_arguments_of_the_traced_function() -> None:
    jax.jit(in_argument)(Zoo(), 1.0)
    jax.jit(in_container)({"k": [Scale()]}, 1.0, named=Scale())
    assert [f and tuple(f) for f in FOUND] == [
        ("in_argument", "model/kids/0"),
        ("in_container", "args/0/k/0"),
        ("in_container", "rest/named"),
    ]


def test_a_module_behind_other_pytrees_is_found() -> None:
    def inside(partial: Any) -> Any:
        look(partial.args[0])
        return partial.args[0].w

    jax.jit(inside)(jax.tree_util.Partial(jnp.sin, Scale()))
    assert FOUND[0].path == "partial/0"


def test_the_function_that_was_called_first_may_have_it() -> None:
    def outer(model: Scale, x: Any) -> Any:
        return jax.grad(lambda x: (look(model), x)[1])(x)

    jax.jit(outer)(Scale(), 1.0)
    assert FOUND[0].path == "model"


def test_copies_and_mapped_functions_are_no_arguments() -> None:
    def copies(model: Scale) -> Any:
        look(jax.tree.map(lambda x: x, model))
        look(model.copy())
        one = [jax.tree.map(lambda x: x, model)]
        jax.tree.map(look, one, is_leaf=lambda x: isinstance(x, Scale))
        return model.w

    jax.jit(copies)(Scale())
    look(Scale())
    assert FOUND == [None] * 4


def test_the_running_functions_of_jax_end_at_the_users() -> None:
    frames: list[Any] = []

    class Dropped:
        def __del__(self) -> None:
            frames.extend(frame.f_code.co_filename for frame in jax_frames())

    jax.make_jaxpr(lambda x: x + len([Dropped()]))(1.0)
    assert frames == []  # dropped in the user's own function
    jax.make_jaxpr(lambda x, _: x, static_argnums=1)(1.0, 2)
    jax.tree_util.tree_map(lambda x: frames.extend(f.f_code.co_name for f in jax_frames()), 1)
    assert frames == []
