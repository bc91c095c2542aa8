"""What mkdocs calls while it builds the site: pages and files made from others, and links."""

import sys
from pathlib import Path
from urllib.parse import urljoin

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parents[2]))  # mkdocs loads this file by its path

from docs.tools import crosslinks, gallery, notebooks

TUTORIALS = "tutorials/"
CLASSES = crosslinks.classes()


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a notebook for each tutorial, and a page for each example."""
    for file in files.documentation_pages():
        if file.src_uri.startswith(TUTORIALS) and file.abs_src_path is not None:
            address = urljoin(config.site_url, file.dest_uri) if config.site_url else None
            path = Path(file.abs_src_path)
            made = notebooks.notebook(file.content_string, path.parent, address)
            target = str(Path(file.src_uri).with_suffix(".ipynb").as_posix())
            files.append(File.generated(config, target, content=nbformat.writes(made)))
    for script in gallery.scripts():
        files.append(
            File.generated(
                config,
                f"examples/{script.stem}.md",
                content=gallery.page(script),
                inclusion=InclusionLevel.NOT_IN_NAV,
            )
        )
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Offer the notebook of a tutorial, show the cards of examples, link names to the reference."""
    if page.file.src_uri.startswith(TUTORIALS):
        title, _, rest = markdown.partition("\n")
        name = Path(page.file.src_uri).with_suffix(".ipynb").name
        markdown = f"{title}\n\n[Download this page as a notebook]({name})\n{rest}"
    guide = "/" not in page.file.src_uri
    return crosslinks.link_names(gallery.with_cards(markdown), CLASSES if guide else {})
