"""Everything that the README and the documentation show runs, and prints what they say."""

import re
from pathlib import Path

import pytest

from tests.docs import pages

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NARRATED = [path for path in PAGES if "reference" not in path.parts]  # those lists are generated
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)")


def title(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", NARRATED, ids=title)
def test_a_page_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # what a page saves does not stay
    assert pages.run(path, title(path)) > 0


@pytest.mark.parametrize("path", PAGES, ids=title)
def test_links_lead_to_files_of_the_repository(path: Path) -> None:
    targets = [match[1] for match in LINK.finditer(path.read_text("utf-8")) if match[1]]
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert not missing


def test_every_page_is_in_the_navigation() -> None:
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    listed = set(re.findall(r"[\w/-]+\.md", config.split("nav:")[1].split("plugins:")[0]))
    assert listed == {path.relative_to(ROOT / "docs").as_posix() for path in PAGES[1:]}


# The checker itself: a page that is wrong is refused.

GOOD = """
# A page

```python
x = 1
```

```python
print(x + 1)
```

```text
2
```

```
A picture that is no output.
```
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "page.md"
    path.write_text(text, "utf-8")
    return path


def test_blocks_share_one_namespace_and_their_output_is_checked(tmp_path: Path) -> None:
    assert pages.run(written(tmp_path, GOOD), "page.md") == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n2\n", "\n3\n", "line 9: the block prints\n\n2\n\nand the page shows\n\n3"),
        ("```text\n2\n```\n", "", r"prints\n\n2\n\nand the page shows\n\n\(no"),
        ("print(x + 1)", "y = 2", "the block prints\n\n\n\nand the page shows\n\n2"),
        ("x + 1)", "y)", "line 9: the block fails\n\n[^$]*line 9, in <module>[^$]*NameError"),
        ("```text", "So it prints:\n\n```text", r"the page shows\n\n\(no"),
    ],
)
def test_a_wrong_page_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(pages.PageError, match=message):
        pages.run(written(tmp_path, GOOD.replace(old, new)), "page.md")


def test_a_block_without_an_end_is_refused() -> None:
    with pytest.raises(AssertionError, match="line 2 does not end"):
        pages.blocks("```python\nx = 1\n")


def test_an_indented_block_is_read_without_its_indent() -> None:
    (block,) = pages.blocks("- item\n\n    ```python\n    if x:\n        y\n    ```\n")
    assert block.text == "if x:\n    y"
