"""Makes the pictures of the site anew, with the code of the pages and of the examples.

python -m docs.tools.pictures                    every tutorial and every example, some minutes
python -m docs.tools.pictures 01-state gan       some of them, by name
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from docs.tools import gallery, pages

DOCS = gallery.ROOT / "docs"
OPTIONS = {"serve": ("--quick", "--epochs", "30")}  # without the first it serves until it is ended
SHOWN = re.compile(r"!\[[^\]]*\]\((?P<path>[^)\s]+)\)")


def shown(page: Path) -> list[str]:
    """Return the pictures that a page shows and its own code makes, from the page's folder."""
    found = [match["path"] for match in SHOWN.finditer(page.read_text("utf-8"))]
    return [path for path in found if path.startswith("images/")]


def draw_page(page: Path) -> None:
    """Run a page, and keep the pictures that it shows."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        pages.run(page, page.name)
        for path in shown(page):
            shutil.copy(path, page.parent / path)


def draw_example(script: Path) -> None:
    """Run an example to its end, and keep its picture."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(gallery.ROOT)}
        options = OPTIONS.get(script.stem, ())
        command = [sys.executable, str(script), *options, "--out", folder]
        subprocess.run(command, check=True, env=environment, cwd=folder)
        shutil.copy(Path(folder) / "picture.png", DOCS / f"images/examples/{script.stem}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of the site anew.")
    parser.add_argument("names", nargs="*", help="pages and examples; by default all")
    names = set(parser.parse_args().names)
    drawn = {page: draw_page for page in sorted(DOCS.rglob("*.md")) if shown(page)}
    drawn |= {script: draw_example for script in gallery.scripts() if gallery.thumbnail(script)}
    if missing := names - {path.stem for path in drawn}:
        parser.error(f"nothing with a picture is called {', '.join(sorted(missing))}")
    for path, draw in drawn.items():
        if not names or path.stem in names:
            print(path.relative_to(gallery.ROOT), flush=True)
            draw(path)


if __name__ == "__main__":
    main()
