"""The checker of the built site finds broken links, missing anchors and what comes from outside."""

from pathlib import Path

import pytest

from docs.tools.check_site import problems

GOOD = {
    "index.html": '<a href="sub/page.html#here">x</a><a href="https://example.org">y</a>'
    '<link rel="canonical" href="https://example.org/"><img src="a.png">',
    "sub/page.html": '<h1 id="here"></h1><a href="../index.html">x</a><a href="#here">y</a>',
    "a.png": "",
}


def site(folder: Path, **changed: str) -> Path:
    for name, text in {**GOOD, **changed}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_a_good_site_has_no_problem(tmp_path: Path) -> None:
    assert problems(site(tmp_path)) == []


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="gone.html">', "index.html: gone.html: there is no such file in the site"),
        ('<a href="../outside">', "index.html: ../outside: there is no such file in the site"),
        ('<a href="sub/page.html#no">', "index.html: sub/page.html#no: there is no such anchor"),
        ('<a href="#no">', "index.html: #no: there is no such anchor"),
        ('<img src="b.png">', "index.html: b.png: there is no such file in the site"),
        ('<script src="https://cdn.org/a.js">', "index.html: loads https://cdn.org/a.js"),
        ('<link rel="stylesheet" href="//cdn.org/a">', "index.html: loads //cdn.org/a"),
    ],
)
def test_a_problem_is_told(tmp_path: Path, page: str, problem: str) -> None:
    assert problems(site(tmp_path, **{"index.html": page})) == [problem]


def test_an_empty_folder_is_no_site(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"there is no page in {tmp_path}"]
