"""The repository keeps its own rules, and each rule refuses a tree that breaks it.

The rules are in `tests/architecture/rules.py`; rooms, fences and exemptions are added in the tables
there.
"""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.architecture import rules

ROOT = Path(__file__).parents[1]
Rule = Callable[[Path], list[str]]


def named(function: Callable[..., object]) -> str:
    return function.__name__


@pytest.mark.parametrize("rule", rules.RULES, ids=named)
def test_this_repository_keeps_the_rule(rule: Rule) -> None:
    problems = rule(ROOT)
    assert not problems, f"{rule.__doc__}\n" + "\n".join(problems)


# A small tree that keeps every rule. The cases below change one or two of its files.
INDENTED = {
    "pyproject.toml": """
        [project]
        version = "1.2"
        dependencies = ["jax>=0.4", "optax"]
    """,
    "treexlite/__init__.py": '''
        """The door."""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        from treexlite import nn
        from treexlite._errors import ShapeError
        if TYPE_CHECKING:
            from treexlite._errors import LateError
        else:
            from treexlite._errors import __getattr__
        __all__ = ["ShapeError", "nn"]
        __version__ = "1.2"
    ''',
    "treexlite/_errors.py": '''
        """Errors."""
        class ShapeError(ValueError): ...
        class LateError(ValueError): ...
        def __getattr__(name): ...
    ''',
    "treexlite/nn/__init__.py": '''
        """Layers."""
        from treexlite.nn._linear import Linear
        __all__ = ["Linear"]
    ''',
    "treexlite/nn/_linear.py": '''
        """Linear."""
        from typing import TYPE_CHECKING
        import jax
        from .._errors import ShapeError
        if TYPE_CHECKING:
            import matplotlib
            from treexlite.training import Trainer
        class Linear: ...
        def plot():
            import matplotlib
    ''',
    "tests/__init__.py": "",
    "tests/test_errors.py": "",
    "tests/nn/__init__.py": "",
    "tests/nn/test_linear.py": "",
}
GOOD = {name: dedent(text).lstrip() for name, text in INDENTED.items()}
ERRORS = "treexlite/_errors.py"
FRONT = "treexlite/__init__.py"
LINEAR = "treexlite/nn/_linear.py"
NN = "treexlite/nn/__init__.py"

# New content of some files; None takes the file away.
Change = dict[str, str | None]


def write(root: Path, change: Change) -> Path:
    """Write the good tree, changed, under `root`."""
    for name, text in {**GOOD, **change}.items():
        if text is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    return root


@pytest.mark.parametrize("rule", rules.RULES, ids=named)
def test_a_good_tree_passes(rule: Rule, tmp_path: Path) -> None:
    assert rule(write(tmp_path, {})) == []


def added(name: str, line: str) -> Change:
    """The change that adds lines at the end of a file."""
    return {name: GOOD[name] + line}


# Each bad tree: the rule, the change to the good tree, and what the one report has to say.
BAD: list[tuple[Rule, Change, str]] = [
    (rules.ladder, added(ERRORS, "from treexlite.nn import Linear"), "_errors (rung 0) imports"),
    (rules.ladder, added(ERRORS, "def f():\n    from treexlite.nn import Linear"), "_errors.py:6"),
    (rules.ladder, added(LINEAR, "import treexlite"), "nn (rung 3) imports treexlite (rung 9)"),
    (rules.ladder, added(LINEAR, "from ..losses import mse"), "imports treexlite.losses (rung 3)"),
    (rules.ladder, {"treexlite/_data.py": '"""Data."""'}, "`_data` has no rung; give it one"),
    (rules.fences, added(LINEAR, "import treeo.types"), "belongs in _core/_treeo.py"),
    (rules.fences, added(LINEAR, "from optax import sgd"), "belongs in optimizers/ or losses/"),
    (rules.fences, added(LINEAR, "def f():\n    import flax"), "belongs in interop/"),
    (rules.fences, added(LINEAR, "# see jax._src.core"), "names JAX's private modules"),
    (rules.fences, added(LINEAR, "from jax import _src"), "imports JAX's private modules"),
    (rules.dependencies, added(LINEAR, "import matplotlib"), "matplotlib, which is no runtime"),
    (rules.local_imports, added(LINEAR, "def f():\n    import json"), "json inside a function"),
    (rules.cycles, added(LINEAR, "from treexlite.nn import Linear"), "nn, treexlite.nn._linear;"),
    (
        rules.cycles,
        added(LINEAR, "def f():\n    from . import Linear"),
        "nn, treexlite.nn._linear;",
    ),
    (rules.cycles, added(LINEAR, "import treexlite.nn._linear"), "among treexlite.nn._linear;"),
    (rules.doors, {"treexlite/losses/_a.py": ""}, "treexlite/losses: needs an __init__.py"),
    (rules.doors, added(NN, "__all__ += ['f']\ndef f(): ..."), "'f' is public here"),
    (rules.doors, added(NN, "from treexlite._errors import ShapeError"), "'ShapeError' is public"),
    (rules.doors, added(NN, "from treexlite._errors import _Gone"), "_errors has no '_Gone'"),
    (rules.doors, added(NN, "from treexlite._errors import *"), "imports *"),
    (rules.doors, {NN: '"""Layers."""\n__all__ = ["Conv"]'}, "'Conv', which the file does not"),
    (rules.doors, {NN: '"""Layers."""\nA = 1\n__all__ = ["A", "A"]'}, "'A' twice"),
    (rules.doors, {NN: '"""Layers."""'}, "needs `__all__`"),
    (rules.doors, {NN: '"""Layers."""\n__all__ = sorted([])'}, "needs `__all__`"),
    (rules.doors, added(NN, "if TYPE_CHECKING:\n    import json"), "'json' is public here"),
    (rules.front_door, added(FRONT, "if True: pass"), "__init__.py:12: only imports"),
    (rules.front_door, added(FRONT, "if TYPE_CHECKING: A = 1"), "__init__.py:12: only imports"),
    (rules.front_door, added(FRONT, "def f(): ..."), "__init__.py:12: only imports"),
    (rules.front_door, added(FRONT, "__version__ = '1.3'"), "__version__ is 1.3"),
    (rules.mirrors, {"tests/nn/test_linear.py": None}, "_linear.py: has no tests/nn/test"),
    (rules.mirrors, {"tests/test_errors.py": None}, "_errors.py: has no tests/test_errors.py"),
    (rules.mirrors, {"tests/nn/__init__.py": None}, "tests/nn: needs an __init__.py"),
    (rules.mirrors, {"treexlite/nn/conv.py": "", "tests/nn/test_conv.py": ""}, "call it _conv.py"),
    (rules.shape, {LINEAR: "class Linear: ..."}, "needs a docstring"),
    (rules.shape, {LINEAR: '"""Linear."""' + "\n# more" * 400}, "401 lines"),
]


@pytest.mark.parametrize(("rule", "change", "report"), BAD)
def test_a_bad_tree_is_refused(rule: Rule, change: Change, report: str, tmp_path: Path) -> None:
    problems = rule(write(tmp_path, change))
    assert len(problems) == 1
    assert report in problems[0]


def test_a_stale_exemption_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "UNMIRRORED", (("_gone.py", "types only"),))
    assert rules.mirrors(write(tmp_path, {})) == [
        "_gone.py: there is no such file; drop it from UNMIRRORED"
    ]


def test_an_exemption_spares_the_test_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "UNMIRRORED", (("_errors.py", "types only"),))
    assert rules.mirrors(write(tmp_path, {"tests/test_errors.py": None})) == []
