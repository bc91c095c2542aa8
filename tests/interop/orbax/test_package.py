"""Orbax is imported when it is needed, and what it raises becomes ours."""

import builtins
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest

import treexlite as tx
from treexlite._errors import CheckpointError
from treexlite.interop.orbax import _package

DOORS = {
    "save": lambda path: tx.interop.orbax.save(path, {"w": jnp.ones(1)}),
    "save_args": lambda path: tx.interop.orbax.save_args({"w": jnp.ones(1)}),
    "restore": lambda path: tx.interop.orbax.restore(path),
}


def without(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make the import of Orbax fail for the lack of a module."""
    real = builtins.__import__

    def blocked(module: str, *rest: Any) -> Any:
        if module.startswith("orbax"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(module, *rest)

    for module in [m for m in sys.modules if m.partition(".")[0] == "orbax"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", blocked)


@pytest.mark.parametrize("name", DOORS)
def test_a_missing_package_is_named_with_the_extra_to_install(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "_METADATA").write_text("{}")
    path = tmp_path / "x" if name == "save" else tmp_path
    without(monkeypatch, "orbax.checkpoint")
    message = rf"orbax.{name}: expected the package orbax-checkpoint to be .*treexlite\[orbax\]"
    with pytest.raises(ImportError, match=message):
        DOORS[name](path)


def test_a_package_missing_for_another_reason_is_not_blamed_on_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without(monkeypatch, "other")
    with pytest.raises(ModuleNotFoundError, match="No module named 'other'"):
        _package.package("save")


@pytest.mark.parametrize("error", [ValueError("one\ntwo"), OSError(28, "full"), KeyError()])
def test_what_orbax_raises_becomes_an_error_of_ours(error: Exception) -> None:
    message = r"expected the checkpoint to be saved.*, received \w+Error: (one|full|no reason)"
    with (
        pytest.raises(CheckpointError, match=message) as caught,
        _package.failures("x", "to be saved"),
    ):
        raise error
    assert caught.value.__cause__ is error
    assert caught.value.filename == "x"
