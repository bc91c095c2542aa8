"""Turns a page into a Jupyter notebook: the same text, code, output and pictures, kept once.

A ```python block becomes a cell, and the ```text block after it the cell's output, as does a
picture that the page shows below it: Jupyter draws it by itself when the cell runs again. All else
is Markdown. Links to other pages lead to the site, if its address is known, else they are text.
"""

import base64
import posixpath
import re
from pathlib import Path
from urllib.parse import urljoin

import nbformat
from nbformat import v4

from docs.tools import pages

CODE = r"^ *```.*?^ *```$|(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\n).)+?(?<!`)(?P=ticks)(?!`)"
LINK = re.compile(
    rf"{CODE}|(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])+)\]\((?P<target>(?!\w+:|#)[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)
PICTURE = re.compile(r"^!\[[^\]]*\]\((?P<path>[^)\s]+)\)\n*", re.MULTILINE)
SETUP = (
    "> To run this notebook, open it in an environment that has treexlite with its extras "
    "`examples` and `plot`, and `jupyter`."
)


def notebook(text: str, directory: Path, address: str | None = None) -> nbformat.NotebookNode:
    """Return a page as a notebook.

    Args:
        text: the page.
        directory: where the page is, from which it shows pictures.
        address: where the site has the page, with the ending `.html`; None leaves links out.

    Raises:
        nbformat.ValidationError: the notebook is not one; a mistake in this file.
    """
    cells: list[nbformat.NotebookNode] = []
    lines, line = text.splitlines(), 0
    for example in pages.examples(text):
        _add_prose(cells, lines[line : example.code.first - 2], directory, address)
        cells.append(v4.new_code_cell(example.code.text))
        line = example.code.last + 1
        if example.output:
            cells[-1].outputs.append(v4.new_output("stream", text=example.output + "\n"))
            line = example.shown.last + 1
    _add_prose(cells, lines[line:], directory, address)
    cells.insert(1, v4.new_markdown_cell(SETUP))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # by default they are random
    made = v4.new_notebook(cells=cells)
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.validate(made)
    return made


def _add_prose(
    cells: list[nbformat.NotebookNode], lines: list[str], directory: Path, address: str | None
) -> None:
    text = "\n".join(lines).strip()
    shown = PICTURE.match(text)
    while shown and cells and cells[-1].cell_type == "code":
        cells[-1].outputs.append(_picture(directory / shown["path"]))
        text = text[shown.end() :]
        shown = PICTURE.match(text)
    if text:
        cells.append(v4.new_markdown_cell(LINK.sub(lambda link: _link(link, address), text)))


def _picture(path: Path) -> nbformat.NotebookNode:
    if path.suffix == ".svg":
        data = {"image/svg+xml": path.read_text("utf-8")}
    else:
        data = {"image/png": base64.b64encode(path.read_bytes()).decode()}
    return v4.new_output("display_data", data=data)


def _link(link: re.Match[str], address: str | None) -> str:
    if link["target"] is None:  # code, which may look like a link
        return link[0]
    if address is None:
        return link["text"]
    path, _, anchor = link["target"].partition("#")
    root, ending = posixpath.splitext(path)
    target = root + ".html" if ending == ".md" else path
    return f"[{link['text']}]({urljoin(address, target)}{'#' + anchor if anchor else ''})"
