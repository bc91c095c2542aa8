"""A tutorial as a notebook: its code in cells, with output and pictures, and all its text."""

from pathlib import Path

import nbformat
import pytest

from docs.tools import notebooks, pages

TUTORIALS = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("*.md"))
PAGE = """# A page

See [jit](../jit.md#why) and [code](https://example.org).

```python
x = 1
print(x)
```

```text
1
```

![a picture](images/one.png)

Then the [next](next.md).

```python
y = 2
```

## The end

```bash
make
```
"""


def made(tmp_path: Path, address: str | None = None) -> nbformat.NotebookNode:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/one.png").write_bytes(b"png")
    return notebooks.notebook(PAGE, tmp_path, address)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_the_cells_of_a_tutorial_are_its_blocks(path: Path) -> None:
    text = path.read_text("utf-8")
    book = notebooks.notebook(text, path.parent)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    blocks = pages.examples(text)
    assert [cell.source for cell in cells] == [block.code.text for block in blocks]
    printed = [
        "".join(output.text for output in cell.outputs if output.output_type == "stream")
        for cell in cells
    ]
    assert printed == [block.output and block.output + "\n" for block in blocks]
    assert nbformat.reads(nbformat.writes(book), as_version=4) == book


def test_text_code_output_and_picture_are_in_their_order(tmp_path: Path) -> None:
    cells = made(tmp_path).cells
    kinds = [(cell.cell_type, cell.source.partition("\n")[0]) for cell in cells]
    assert kinds == [
        ("markdown", "# A page"),
        ("markdown", notebooks.SETUP),
        ("code", "x = 1"),
        ("markdown", "Then the next."),
        ("code", "y = 2"),
        ("markdown", "## The end"),
    ]
    printed, drawn = cells[2].outputs
    assert printed.text == "1\n"
    assert drawn.data == {"image/png": "cG5n"}
    assert cells[-1].source.endswith("```bash\nmake\n```")


def test_links_lead_to_the_site_if_its_address_is_known(tmp_path: Path) -> None:
    cells = made(tmp_path, "https://example.org/docs/tutorials/page.html").cells
    assert cells[0].source.endswith(
        "See [jit](https://example.org/docs/jit.html#why) and [code](https://example.org)."
    )
    assert cells[3].source == "Then the [next](https://example.org/docs/tutorials/next.html)."


def test_links_are_text_without_an_address(tmp_path: Path) -> None:
    assert made(tmp_path).cells[0].source.endswith("See jit and [code](https://example.org).")


@pytest.mark.parametrize("address", [None, "https://example.org/page.html"])
@pytest.mark.parametrize(
    "code",
    ["`layers[0](x)`", "``a`[0](x)``", "```bash\ncall [0](x)\n```", "a `b\nc[0](x)` d"],
)
def test_code_that_looks_like_a_link_stays(tmp_path: Path, code: str, address: str | None) -> None:
    (cell, _) = notebooks.notebook(f"# Page\n\n{code}", tmp_path, address).cells
    assert cell.source == f"# Page\n\n{code}"


def test_code_with_brackets_may_be_the_text_of_a_link(tmp_path: Path) -> None:
    page = "# Page\n\nSee [`x[0]` of it](a.md) and ![a picture](b.svg)."
    cell = notebooks.notebook(page, tmp_path, "https://example.org/page.html").cells[0]
    assert "[`x[0]` of it](https://example.org/a.html) and ![a picture](b.svg)" in cell.source


def test_the_same_page_gives_the_same_bytes(tmp_path: Path) -> None:
    book = nbformat.writes(made(tmp_path))
    assert book == nbformat.writes(notebooks.notebook(PAGE, tmp_path))
