"""The program that runs pages: it reads blocks and outputs, and refuses a page that is wrong."""

from pathlib import Path

import pytest

from docs.tools import pages

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


@pytest.mark.parametrize("fence", ["``` python", "```{.python}", "````python"])
def test_a_fence_that_is_not_understood_is_refused(fence: str) -> None:
    with pytest.raises(AssertionError, match="line 3: expected ```language, got '```"):
        pages.blocks(f"# Page\n\n{fence}\nx = 1\n```\n")


def test_an_indented_block_is_read_without_its_indent() -> None:
    (block,) = pages.blocks("- item\n\n    ```python\n    if x:\n        y\n    ```\n")
    assert block.text == "if x:\n    y"
