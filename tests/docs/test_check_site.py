"""The checker of the built site finds broken links, missing anchors and what comes from outside."""

from pathlib import Path

import pytest

from docs.tools.check_site import problems

GOOD = {
    "index.html": '<a href="sub/page.html#here">x</a><a href="https://example.org">y</a>'
    '<link rel="canonical" href="https://example.org/"><img src="a.png" srcset="a.png 2x">'
    '<style>p {background: url("data:image/png;base64,AA//AA==")}</style><p>url(no.png)</p>',
    "sub/page.html": '<h1 id="here"></h1><a href="../index.html">x</a><a href="#here">y</a>',
    "a.png": "",
    "sub/a.css": '/* url(no.png) */ p {background: url("../a.png")} b {background: url(../a.png)}',
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
        (
            '<link rel="next" href="b.html">',
            "index.html: b.html: there is no such file in the site",
        ),
        ('<img srcset="a.png 1x, //cdn.org/a 2x">', "index.html: loads //cdn.org/a"),
        ('<video poster="//cdn.org/a"></video>', "index.html: loads //cdn.org/a"),
        ('<object data="b.svg">', "index.html: b.svg: there is no such file in the site"),
        ('<p style="background: url(//cdn.org/a)">', "index.html: loads //cdn.org/a"),
        ("<style>@import '//cdn.org/a';</style>", "index.html: loads //cdn.org/a"),
        (
            '<meta name="viewport"><a href="#viewport">',
            "index.html: #viewport: there is no such anchor",
        ),
    ],
)
def test_a_problem_is_told(tmp_path: Path, page: str, problem: str) -> None:
    assert problems(site(tmp_path, **{"index.html": page})) == [problem]


@pytest.mark.parametrize(
    ("sheet", "problem"),
    [
        ("p {background: url(https://cdn.org/a)}", "sub/a.css: loads https://cdn.org/a"),
        ("p {background: url( //cdn.org/a )}", "sub/a.css: loads //cdn.org/a"),
        ("p {background: url(a.png)}", "sub/a.css: a.png: there is no such file in the site"),
        ('@import "b.css";', "sub/a.css: b.css: there is no such file in the site"),
    ],
)
def test_a_problem_of_a_style_sheet_is_told(tmp_path: Path, sheet: str, problem: str) -> None:
    assert problems(site(tmp_path, **{"sub/a.css": sheet})) == [problem]


def test_an_empty_folder_is_no_site(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"there is no page in {tmp_path}"]
