"""Names that need another package are imported when they are first used."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import treexlite as tx
from treexlite import interop
from treexlite.interop._lazy import LAZY


def test_importing_treexlite_imports_no_package_of_an_extra() -> None:
    program = (
        "import sys, treexlite; from treexlite import *; treexlite.interop.torch.Rules({});"
        "print([name for name in ('sklearn', 'orbax', 'torch') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout.split() == ["[]"], ran.stderr


@pytest.mark.parametrize("name", LAZY)
def test_a_late_name_is_found_at_both_doors(name: str) -> None:
    pytest.importorskip(LAZY[name][1])
    assert getattr(tx, name).__name__ == name
    assert getattr(tx, name) is getattr(interop, name)


def test_the_extras_that_messages_name_exist() -> None:
    root = Path(interop.__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    sources = "".join(path.read_text("utf-8") for path in (root / "treexlite").rglob("*.py"))
    named = {*re.findall(r"treexlite\[(\w+)\]", sources), *(extra for *_, extra in LAZY.values())}
    assert {"plot", "examples", "orbax"} <= named <= set(project["optional-dependencies"])


def test_every_late_name_is_public_at_the_door_of_the_room() -> None:
    assert set(LAZY) | {"orbax", "torch"} == set(interop.__all__)


def test_a_name_that_nobody_has_is_refused_as_python_does() -> None:
    with pytest.raises(
        AttributeError, match=r"module 'treexlite\.interop' has no attribute 'Trainr"
    ):
        interop.Trainr  # noqa: B018  # looking it up is the test


@pytest.mark.parametrize("name", LAZY)
def test_a_missing_package_is_named_with_the_extra_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, package, extra = LAZY[name]
    for module in [m for m in sys.modules if m.startswith(f"treexlite.interop.{folder}")]:
        monkeypatch.delitem(sys.modules, module)
    for module in [m for m in sys.modules if m.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [Blocked(package), *sys.meta_path])
    monkeypatch.delitem(vars(tx), name, raising=False)
    message = rf"treexlite.{name}: expected the package {package} to be .*treexlite\[{extra}\]"
    with pytest.raises(ImportError, match=message):
        getattr(tx, name)


def test_a_package_missing_for_another_reason_is_not_blamed_on_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(name: str) -> None:
        raise ModuleNotFoundError("No module named 'other'", name="other")

    monkeypatch.setattr(importlib, "import_module", fails)
    with pytest.raises(ModuleNotFoundError, match="No module named 'other'"):
        interop.TrainerClassifier  # noqa: B018  # looking it up is the test


class Blocked:
    """Finds no module of a package, as if it were not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
