"""The documentation as a site: `sphinx-build -c docs . build/site`, or `tox -e docs`.

The pages are plain Markdown and lie where a forge shows them, so the source folder is the whole
repository: a link that works on the forge works on the site. The tree of pages is drawn from the
lists of links in `docs/index.md` and `docs/adr/README.md`; nothing is fetched from anywhere.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

from pygments.lexers.special import TextLexer

from virtmig import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "virtmig"
version = release = __version__
project_copyright = "The virtmig developers"
root_doc = "docs/index"
extensions = ["myst_parser"]
include_patterns = [
    "*.md",
    "docs/**.md",
    "core/*.md",
    "plugins/*/*.md",
    "examples/*/*.md",
]
exclude_patterns = [".*", "build", "**/src", "**/tests", "tests", "tools", "benchmarks", "samples"]
myst_heading_anchors = 6
myst_heading_slug_func = "virtmig.formats.tables.anchor"  # as on the forge
nitpicky = True

html_theme = "furo"
html_title = f"virtmig {version}"
html_copy_source = False
html_show_sphinx = False
html_use_index = False
html_additional_pages = {"index": "to-docs.html"}
templates_path = ["_templates"]

HEADING = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?P<target>[^)#\s]+\.md)\)")
LISTS = {
    "docs/index": ("docs/tutorial", "docs/how-to", "docs/reference", "docs/explanation", "README"),
    "docs/adr/README": ("docs/adr",),
    "CHANGELOG": ("CHANGELOG",),
}
"""Pages that list others; and the rooms of which every page stands where one of them is listed."""


def draw_tree(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add what Sphinx needs to know of the order of pages to the pages that list others."""
    if docname not in LISTS:
        return
    start, *parts = HEADING.split(source[0])
    bodies = dict(zip(parts[::2], parts[1::2], strict=True)) or {"": start}
    for title, body in bodies.items():
        pages = _pages(docname, body, app.env.found_docs)
        if pages:
            lines = "\n".join(f"/{page}" for page in pages)
            caption = f":caption: {title}\n" if title else ""
            source[0] += f"\n\n```{{toctree}}\n:hidden:\n{caption}\n{lines}\n```\n"


def _pages(docname: str, body: str, found: set[str]) -> list[str]:
    """The pages that a list links to, and behind them what else belongs to the same rooms."""
    folder = posixpath.dirname(docname)
    targets = [match["target"].removesuffix(".md") for match in LINK.finditer(body)]
    pages = [posixpath.normpath(posixpath.join(folder, target)) for target in targets]
    rooms = {_room(page) for page in pages} & set(LISTS[docname])
    rest = [page for page in sorted(found) if _room(page) in rooms and page != docname]
    return list(dict.fromkeys([*pages, *rest]))


def _room(page: str) -> str:
    """The folder of a page; of those that each distribution has, the name."""
    folder, _, name = page.rpartition("/")
    return folder if folder.startswith("docs") else name


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what goes beyond plain Markdown."""
    for kind in ("hex", "output"):
        app.add_lexer(kind, TextLexer)
    app.connect("source-read", draw_tree)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
