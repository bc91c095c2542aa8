"""The reference has every public name; what it says about them comes from their docstrings."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import treexlite as tx
from treexlite import models
from treexlite.interop._lazy import LAZY

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES = sorted(REFERENCE.rglob("*.md"))
TEXT = "\n".join(path.read_text("utf-8") for path in PAGES)
LISTED = re.findall(r"^::: treexlite\.([\w.]+)$", TEXT, re.MULTILINE)
TOLD = re.findall(r"`tx\.([\w.]+)`", TEXT)  # treeo's and JAX's have no docstring of ours


def test_every_public_name_is_listed_once() -> None:
    assert {*tx.__all__, *LAZY} - set(LISTED) - set(TOLD) == set()
    assert len(LISTED) == len(set(LISTED))


def test_only_public_names_are_listed() -> None:
    for name in set(LISTED) - {"_config.Config", *LAZY}:  # the class of `tx.config`
        found: Any = tx if name.partition(".")[0] != "models" else models
        parts = name.split(".")
        for part in parts if found is tx else parts[1:]:
            assert part in found.__all__
            found = getattr(found, part)


def test_each_room_is_listed_as_a_whole() -> None:
    rooms = {name for name in tx.__all__ if isinstance(getattr(tx, name), ModuleType)}
    assert rooms | {"models"} <= set(LISTED)


def test_every_layer_is_listed() -> None:
    layers = {f"nn.{name}" for name in tx.nn.__all__}
    assert layers - set(LISTED) - set(TOLD) == set()


@pytest.mark.parametrize(
    ("room", "page"),
    [
        ("nn", "layers.md"),
        ("losses", "losses-and-metrics.md"),
        ("metrics", "losses-and-metrics.md"),
        ("regularizers", "losses-and-metrics.md"),
        ("constraints", "losses-and-metrics.md"),
    ],
)
def test_every_class_stands_in_the_page_of_its_catalogue(room: str, page: str) -> None:
    text = (REFERENCE.parent / page).read_text("utf-8")
    named = set(re.findall(r"`(?:tx\.nn\.)?(\w+)`", text))
    public = getattr(tx, room)
    base = {"Loss", "Metric", "Regularizer", "Constraint"}
    classes = {name for name in public.__all__ if isinstance(getattr(public, name), type)}
    modules = {name for name in classes if issubclass(getattr(public, name), tx.Module)}
    assert modules - base - named == set()
