"""Links lead somewhere, and pages are found from the first one."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import FENCE, PAGES, ROOT
from virtmig.formats.tables import anchor

LINK = re.compile(r"\[(?:[^\]]|\](?=[^(]))*\]\((?P<target>[^)\s]+)\)")
CODE_SPAN = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
SECRET = re.compile(r"(?<![\w.])/(?:work|tmp|root|home)\b")


def named(page):
    return str(page.relative_to(ROOT))


def prose(page):
    """A page without its code blocks."""
    return FENCE.sub("", page.read_text())


def links(page):
    text = re.sub(r"\[`[^`\n]*`\]", "[code]", prose(page))
    return [match["target"] for match in LINK.finditer(CODE_SPAN.sub("", text))]


def anchors(page):
    return {anchor(match["title"]) for match in HEADING.finditer(prose(page))}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_between_pages_resolves(page):
    for target in links(page):
        if target.startswith(("http://", "https://")):
            continue
        path, _, place = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), target
        assert goal.is_relative_to(ROOT), target
        if place:
            assert place in anchors(goal), target


@pytest.mark.parametrize("start", ["README.md", "docs/index.md"])
def test_every_page_is_reached_from(start):
    """A page that no other page links to is read by nobody."""
    reached = reached_from(ROOT / start)
    assert not [named(page) for page in PAGES if page not in reached]


def reached_from(start):
    reached = set()
    waiting = [start]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        paths = [target.partition("#")[0] for target in links(page)]
        goals = [(page.parent / path).resolve() for path in paths if path.endswith(".md")]
        waiting += [goal for goal in goals if goal.exists()]
    return reached


def test_the_first_page_of_the_site_links_to_every_page_of_the_four_kinds_itself():
    """Whoever looks for a page should not have to guess which other page knows it."""
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in links(index)}
    rooms = ("tutorial", "how-to", "reference", "explanation")
    pages = [page for page in PAGES if page.parent.name in rooms]
    assert len(pages) > 15
    assert not [named(page) for page in pages if page not in linked]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_has_one_title(page):
    text = prose(page)
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_page_names_a_folder_of_the_machine_it_was_written_on(page):
    assert not SECRET.search(page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_decision_record_has_its_four_parts(page):
    if page.parent.name == "adr" and page.name != "README.md":
        titles = [match["title"] for match in HEADING.finditer(prose(page))]
        assert titles[1:] == ["Context", "Decision", "Rejected", "Consequence"]


FILE = re.compile(r"`(?P<path>[\w-]+(?:/[\w.-]+)*/?)`")
PACKAGE = ROOT / "core" / "src" / "virtmig"


def test_the_way_through_the_code_names_files_that_exist():
    """Onboarding is the first page to grow old: a moved file has to be moved there too."""
    text = (ROOT / "docs" / "onboarding.md").read_text()
    names = {match["path"] for match in FILE.finditer(FENCE.sub("", text))}
    paths = {name for name in names if name.endswith((".py", "/"))} - {"state.py"}
    assert len(paths) > 20
    assert not [name for name in paths if not ((PACKAGE / name).exists() or (ROOT / name).exists())]


def test_the_tree_of_rooms_is_the_tree_of_folders():
    """Read the drawing back: every room in it exists, every folder of the package is in it."""
    text = (ROOT / "docs" / "onboarding.md").read_text()
    drawn = FENCE.search(text)["text"].splitlines()
    inner = {line.split()[0] for line in drawn if line.startswith("  ")}
    outer = {line.split()[0] for line in drawn if not line.startswith("  ")}
    assert not [name for name in inner if not (PACKAGE / name).exists()]
    assert not [name for name in outer if not (ROOT / name).exists()]
    rooms = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert rooms <= inner


def test_every_file_of_the_room_of_hooks_is_named():
    """It is the room with the most doors, and the first one that an author of plugins looks for."""
    text = (ROOT / "docs" / "onboarding.md").read_text()
    files = [path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "hooks").glob("[!_]*.py")]
    assert len(files) > 5
    assert not [name for name in files if f"`{name}`" not in text]


def imports(path):
    """List the rooms that a file imports from, but for what only type checkers need."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("virtmig."):
                yield node.module.split(".")[1]


def test_imports_point_the_way_that_is_drawn():
    text = (ROOT / "docs" / "onboarding.md").read_text()
    drawn = list(FENCE.finditer(text))[1]["text"].splitlines()
    level = {name: number for number, line in enumerate(drawn) for name in line.split()}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if not room.startswith("__"):
            assert not [other for other in imports(path) if level[other] > level[room]], path
