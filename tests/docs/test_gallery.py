"""Each example is short, has a page and a card, and tells how it is run."""

import ast
import re
from pathlib import Path

import pytest

from docs.tools import gallery

INDEX = (gallery.ROOT / "docs/examples/index.md").read_text("utf-8")
SCRIPTS = gallery.scripts()
NO_PICTURE = {"serve_plain_jax"}  # it prints, and draws nothing


def name(script: Path) -> str:
    return script.stem


def test_every_script_has_one_card() -> None:
    assert sorted(gallery.listed(INDEX)) == [script.stem for script in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_a_script_is_short_and_says_how_it_is_run(script: Path) -> None:
    source = script.read_text("utf-8")
    said = ast.get_docstring(ast.parse(source)) or ""
    assert len(source.splitlines()) < 150
    assert f"\n    python examples/{script.name}" in said
    assert said.partition("\n")[0].endswith(".")  # its card


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_a_script_has_a_picture_and_a_quick_mode(script: Path) -> None:
    if script.stem in NO_PICTURE:
        assert gallery.thumbnail(script) is None
        return
    source = script.read_text("utf-8")
    assert all(word in source for word in ('"--quick"', '"--out"', "ArgumentParser", "picture.png"))
    picture = gallery.thumbnail(script)
    assert picture is not None
    assert (gallery.ROOT / "docs" / picture).stat().st_size < 100_000


def test_no_picture_is_left_of_a_script_that_is_gone() -> None:
    kept = (gallery.ROOT / "docs/images/examples").glob("*")
    assert {path.stem for path in kept} == {path.stem for path in SCRIPTS} - NO_PICTURE


def test_the_page_of_a_script_has_its_words_usage_picture_and_source() -> None:
    script = gallery.EXAMPLES / "gan.py"
    page = gallery.page(script)
    assert page.startswith("# GAN\n\nTwo networks against each other")
    assert re.search(r"\n```bash\npython examples/gan\.py {2,}# about ", page)
    assert script.read_text("utf-8").rstrip() in page


def test_a_gallery_becomes_cards() -> None:
    text = gallery.with_cards("Before.\n\n<!-- gallery: digits serve_plain_jax -->\n\nAfter.")
    assert text.count("<a href=") == 2
    assert '<a href="digits.html"><img src="../images/examples/digits.png" alt=""' in text
    assert '<a href="serve_plain_jax.html"><strong>Serve plain JAX</strong><br>Run an' in text
    assert text.startswith('Before.\n\n<div class="gallery">')
