"""What the README and the documentation show runs, and prints and draws what they say."""

import re
from pathlib import Path

import pytest

from docs.tools import pages, pictures
from docs.tools.crosslinks import FENCE

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NARRATED = [  # and not the lists that are made from docstrings, scripts, or a file elsewhere
    path
    for path in PAGES
    if not {"reference", "examples"} & set(path.relative_to(ROOT).parts)
    and path.name not in {"benchmarks.md", "changelog.md"}
]
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)")


def title(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", NARRATED, ids=title)
def test_a_page_runs_and_makes_its_pictures(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # what a page saves does not stay
    assert pages.run(path, title(path)) > 0
    shown = pictures.shown(path)
    assert [picture for picture in shown if not (tmp_path / picture).exists()] == []
    assert {f"images/{made.name}" for made in tmp_path.glob("images/*")} == set(shown)


def test_every_picture_that_is_kept_is_shown_once() -> None:
    kept = sorted((ROOT / "docs").glob("*/images/*"))
    shown = [path.parent / picture for path in PAGES for picture in pictures.shown(path)]
    assert sorted(shown) == kept
    assert max(path.stat().st_size for path in kept) < 100_000


@pytest.mark.parametrize("path", PAGES, ids=title)
def test_links_lead_to_files_of_the_repository(path: Path) -> None:
    text = FENCE.sub("", path.read_text("utf-8"))
    targets = [match[1] for match in LINK.finditer(text) if match[1]]
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert not missing


def test_every_page_is_in_the_navigation() -> None:
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    listed = re.findall(r"[\w/-]+\.md", config.split("nav:")[1].split("plugins:")[0])
    assert sorted(listed) == [path.relative_to(ROOT / "docs").as_posix() for path in PAGES[1:]]
