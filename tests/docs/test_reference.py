"""The reference has every public name; what it says about them comes from their docstrings."""

import re
from pathlib import Path
from types import ModuleType

import treexlite as tx

PAGES = sorted((Path(__file__).parents[2] / "docs" / "reference").glob("*.md"))
TEXT = "\n".join(path.read_text("utf-8") for path in PAGES)
LISTED = re.findall(r"^::: treexlite\.(\w+)$", TEXT, re.MULTILINE)


def test_every_public_name_is_listed_once() -> None:
    told = re.findall(r"`tx\.(\w+)`", TEXT)  # those of treeo have no docstring of ours
    public = set(tx.__all__)
    assert public - set(LISTED) - set(told) == set()
    assert len(LISTED) == len(set(LISTED))


def test_only_public_names_are_listed() -> None:
    assert set(LISTED) - set(tx.__all__) == set()


def test_each_room_is_listed_as_a_whole() -> None:
    rooms = {name for name in tx.__all__ if isinstance(getattr(tx, name), ModuleType)}
    assert rooms <= set(LISTED)
