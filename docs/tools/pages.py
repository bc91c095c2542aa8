"""Runs the Python blocks of a Markdown page, and compares what they print with the page.

A page is a program: its ```python blocks run from top to bottom in one namespace. What a block
prints stands in a ```text block right after it, where long lines may be wrapped; a block that
prints nothing has none. Examples of errors catch them and print them.
"""

import contextlib
import io
import re
import sys
import traceback
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import ModuleType

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)(?P<more>[^\n]*)$")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and the numbers of its first and last line."""

    language: str
    text: str
    first: int
    last: int


@dataclass(frozen=True)
class Example:
    """A Python block, and what the page says that it prints: a block too, or nothing."""

    code: Block
    shown: Block | None

    @property
    def output(self) -> str:
        return "" if self.shown is None else self.shown.text


class PageError(AssertionError):
    """A block that fails, or prints something else than the page says."""


def blocks(text: str) -> list[Block]:
    """Return all fenced blocks of a page, in order."""
    found = []
    opened: tuple[str, str, int] | None = None
    body: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and not fence["language"]:  # else such a block would silently not run
            assert not fence["more"].strip(), f"line {number}: expected ```language, got {line!r}"
        if opened is None:
            if fence:
                opened, body = (fence["indent"], fence["language"], number + 1), []
        elif fence and not fence["language"]:
            found.append(Block(opened[1], "\n".join(body), opened[2], number - 1))
            opened = None
        else:
            body.append(line.removeprefix(opened[0]))
    assert opened is None, f"the block that starts in line {opened and opened[2]} does not end"
    return found


def examples(text: str) -> list[Example]:
    """Return the Python blocks of a page, each with the text block right after it, if any."""
    lines = text.splitlines()
    found = []
    every = blocks(text)
    for block, following in zip_longest(every, every[1:]):  # the last has none after it
        if block.language != "python":
            continue
        shown = following if following is not None and following.language == "text" else None
        if shown is not None and "".join(lines[block.last + 1 : shown.first - 2]).strip():
            shown = None  # it belongs to the text in between
        found.append(Example(block, shown))
    return found


def run(path: Path, title: str) -> int:
    """Run a page; `title` names it in messages.

    Returns:
        How many blocks ran.

    Raises:
        PageError: naming the line of the page.
    """
    page = examples(path.read_text("utf-8"))
    module = ModuleType("tests.docs.page_" + re.sub(r"\W", "_", title))  # warnings here are errors
    sys.modules[module.__name__] = module  # where classes say they come from
    try:
        for example in page:
            _run_block(example, path, title, module)
    finally:
        del sys.modules[module.__name__]
        if "matplotlib.pyplot" in sys.modules:  # which keeps every figure until it is told
            sys.modules["matplotlib.pyplot"].close("all")
    return len(page)


def _run_block(example: Example, path: Path, title: str, module: ModuleType) -> None:
    code = example.code
    padded = "\n" * (code.first - 1) + code.text  # so that tracebacks have the page's line numbers
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(padded, str(path), "exec"), vars(module))
    except Exception as error:
        trace = "".join(traceback.format_exception(error))
        raise PageError(f"{title}, line {code.first}: the block fails\n\n{trace}") from None
    received, expected = printed.getvalue(), example.output
    if received.split() != expected.split():
        shown = expected or "(no ```text block follows)"
        raise PageError(
            f"{title}, line {code.first}: the block prints\n\n{received.rstrip()}\n\n"
            f"and the page shows\n\n{shown}"
        )
