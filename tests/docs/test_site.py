"""The site that tox built: whole, linked, and complete without any other server.

`tox -e docs` builds it, with warnings as errors, and says where it is in SITE. Elsewhere there is
none to look at.
"""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import PAGES, ROOT

LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")}
"""Attributes that a browser follows by itself."""


class Read(HTMLParser):
    """The links, the anchors and what is loaded of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.loaded = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.anchors.add(found["id"])
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        self.loaded += [found[name] for kind, name in LOADED if kind == tag and found.get(name)]


@pytest.fixture(scope="module")
def site():
    if "SITE" not in os.environ:
        pytest.skip("tox -e docs builds the site and says where it is")
    folder = Path(os.environ["SITE"])
    assert (folder / "index.html").is_file()
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path: Read(path.read_text()) for path in site.rglob("*.html")}


def test_every_page_is_on_it(site):
    """Those of plugins and the README too."""
    missing = [
        page for page in PAGES if not (site / page.relative_to(ROOT).with_suffix(".html")).is_file()
    ]
    assert not missing


def test_its_first_page_leads_to_the_index(site):
    text = (site / "index.html").read_text()
    (target,) = re.findall(r"url=([^\"]+)", text)
    assert (site / target).is_file()


def test_every_page_is_in_the_tree_of_pages_at_its_side(site, pages):
    index = pages[site / "docs" / "index.html"]
    linked = {(site / "docs" / unquote(urlsplit(one).path)).resolve() for one in index.links}
    rooms = ("tutorial", "how-to", "reference", "explanation", "adr")
    wanted = [path for path in pages if path.parent.name in rooms]
    assert len(wanted) > 20
    assert not [path for path in wanted if path.resolve() not in linked]


def test_every_link_on_it_leads_somewhere(pages):
    """Sphinx checks those that it has made; this reads what a browser gets."""
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            goal = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert goal.exists(), (path, link)
            if parts.fragment and goal in pages:
                assert unquote(parts.fragment) in pages[goal].anchors, (path, link)


def test_nothing_is_loaded_from_elsewhere(pages):
    """It can be read without a network, and tells nobody that it is."""
    for path, page in pages.items():
        outside = [one for one in page.loaded if urlsplit(one).netloc]
        assert not outside, path


def test_a_generated_signature_is_on_it(site):
    text = (site / "docs" / "reference" / "hooks.html").read_text()
    assert "load_queue(transport: Transport, index: int, state: Any)" in re.sub("<[^>]+>", "", text)
