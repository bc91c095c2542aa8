"""Checks a built site: each link and anchor leads somewhere, and nothing is loaded from outside.

    python -m docs.tools.check_site site

mkdocs checks the links of Markdown. This reads the finished HTML and CSS, with what the theme, the
reference and the hooks have added. Links to other sites are not followed. What scripts load is not
seen here; `docs.tools.browse` sees it.
"""

import argparse
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADED = {
    **dict.fromkeys(("audio", "embed", "iframe", "img", "input", "script", "source"), ("src",)),
    "image": ("href", "xlink:href"),
    "link": ("href",),
    "object": ("data",),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
NOT_LOADED = {"canonical", "next", "prev", "alternate"}  # what a `link` only tells
CSS_COMMENT = re.compile(r"(?s)/\*.*?\*/")
CSS_ADDRESS = re.compile(
    r"""(?i)\burl\(\s*(?:"([^"]*)"|'([^']*)'|([^\s"')]+))|@import\s+(?:"([^"]*)"|'([^']*)')"""
)


def in_css(text: str) -> list[str]:
    """Return the addresses that a style sheet, or the value of `style`, loads."""
    found = CSS_ADDRESS.findall(CSS_COMMENT.sub("", text))
    return ["".join(groups) for groups in found if any(groups)]  # one of them has the address


class Document(HTMLParser):
    """The anchors of a page, its links, and what a browser loads with it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        anchors = ("id", "name") if tag == "a" else ("id",)
        self.anchors |= {values[name] for name in anchors if name in values}
        addresses = [values[name] for name in LOADED.get(tag, ()) if values.get(name)]
        addresses += [
            part.split()[0] for part in re.split(r",\s+", values.get("srcset", "")) if part
        ]
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif NOT_LOADED & set(values.get("rel", "").split()):
            self.links += addresses
        else:
            self.loaded += addresses
        self.loaded += in_css(values.get("style", ""))
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loaded += in_css(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def problems(site: Path) -> list[str]:
    """Return what is wrong with the pages under a folder, a line for each."""
    pages = {path: Document(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    loaded = {path: page.loaded for path, page in pages.items()}
    loaded |= {path: in_css(path.read_text("utf-8")) for path in sorted(site.rglob("*.css"))}
    found = []
    for path, addresses in loaded.items():
        where = path.relative_to(site).as_posix()
        links = pages[path].links if path in pages else []
        for address in addresses:
            if urlsplit(address).netloc:
                found.append(f"{where}: loads {address}")
        for address in links + addresses:
            if wrong := _wrong(address, path, site, pages):
                found.append(f"{where}: {address}: {wrong}")
    if not pages:
        found.append(f"there is no page in {site}")
    return found


def _wrong(address: str, path: Path, site: Path, pages: dict[Path, Document]) -> str | None:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    target, anchor = urldefrag(address)
    target = unquote(urlsplit(target).path)
    base = site if target.startswith("/") else path.parent
    file = (base / target.lstrip("/")).resolve() if target else path.resolve()
    file = file / "index.html" if file.is_dir() else file
    if not file.is_relative_to(site.resolve()) or not file.exists():
        return "there is no such file in the site"
    page = pages.get(site / file.relative_to(site.resolve()))
    if anchor and page is not None and unquote(anchor) not in page.anchors:
        return "there is no such anchor"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description="Check the links of a built site.")
    parser.add_argument("site", type=Path)
    site = parser.parse_args().site
    found = problems(site)
    print("\n".join(found) if found else f"{site}: all links lead somewhere")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
