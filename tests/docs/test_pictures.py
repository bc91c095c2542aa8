"""`docs/tools/pictures.py` keeps what pages and examples draw, and waits for no server."""

from pathlib import Path

import pytest

from docs.tools import gallery, pictures

SCRIPT = """
import sys
from pathlib import Path

Path(sys.argv[-1], "picture.png").write_text(" ".join(sys.argv[1:-1]))
"""


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pictures, "DOCS", tmp_path)
    (tmp_path / "images/examples").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "options"), [("other", "--out"), ("serve", "--quick --epochs 30 --out")]
)
def test_the_picture_of_an_example_is_kept(docs: Path, name: str, options: str) -> None:
    script = docs / f"{name}.py"
    script.write_text(SCRIPT)
    pictures.draw_example(script)
    assert (docs / f"images/examples/{name}.png").read_text() == options


def test_a_script_that_serves_for_ever_is_told_to_end() -> None:
    endless = {s.stem for s in gallery.scripts() if "serve_forever()" in s.read_text("utf-8")}
    assert endless == set(pictures.OPTIONS)
    assert all("--quick" in options for options in pictures.OPTIONS.values())


def test_the_pictures_of_a_page_are_kept_beside_it(docs: Path) -> None:
    page = docs / "page.md"
    code = "from pathlib import Path\n\nPath('images').mkdir()\nPath('images/a.svg').touch()"
    page.write_text(f"```python\n{code}\n```\n\n![drawn](images/a.svg) ![not](../b.png)\n")
    pictures.draw_page(page)
    assert pictures.shown(page) == ["images/a.svg"]
    assert (docs / "images/a.svg").exists()
