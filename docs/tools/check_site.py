"""Checks a built site: each link and anchor leads somewhere, and nothing is loaded from outside.

    python -m docs.tools.check_site site

mkdocs checks the links of Markdown. This reads the finished HTML, with what the theme, the
reference and the hooks have added. Links to other sites are not followed.
"""

import argparse
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href"}
NOT_LOADED = {"canonical", "next", "prev", "alternate"}  # what a `link` only tells


class Document(HTMLParser):
    """The anchors of a page, its links, and what a browser loads with it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.anchors |= {values[name] or "" for name in ("id", "name") if name in values}
        address = values.get(LOADED.get(tag, ""))
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")
        elif address and not NOT_LOADED & set((values.get("rel") or "").split()):
            self.loaded.append(address)


def problems(site: Path) -> list[str]:
    """Return what is wrong with the pages under a folder, a line for each."""
    pages = {path: Document(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        where = path.relative_to(site).as_posix()
        for address in page.loaded:
            if urlsplit(address).netloc:
                found.append(f"{where}: loads {address}")
        for address in page.links + page.loaded:
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
    if anchor and page is not None and unquote(anchor) not in {*page.anchors, "__skip"}:
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
