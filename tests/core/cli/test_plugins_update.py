"""`virtmig plugins update`: a newer template meets a plugin whose author has gone on."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.core.cli.conftest import Command
from virtmig.scaffold import rendering, updating
from virtmig.scaffold.updating import Change, Done, merge_text, update

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("copier") is None or shutil.which("git") is None,
    reason="copier, of the extra `new`, or git is not installed",
)
STATE = "src/virtmig_echo/state.py"
LIVE = "src/virtmig_echo/live.py"
PROJECT = "pyproject.toml"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "Go on")


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A plugin as `virtmig plugins new` leaves it, under git."""
    folder = tmp_path / "virtmig-echo"
    rendering.write_base(folder, rendering.render({"name": "virtio-echo"}, folder))
    git(folder, "init", "-q")
    commit(folder)
    return folder


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the template, for a newer virtmig; the command takes it for its own."""
    folder = tmp_path / "template"
    shutil.copytree(rendering.TEMPLATE, folder)
    change = functools.partial(update, template=folder)
    monkeypatch.setattr("virtmig.cli.plugins.update.update", change)
    return folder


def test_what_the_author_did_stays_and_what_is_new_comes(
    virtmig: Command, plugin: Path, newer: Path
) -> None:
    """The same file is changed on both sides, at different places."""
    replace(plugin / PROJECT, 'version = "0.1.0"', 'version = "0.7.0"')
    commit(plugin)
    replace(newer / "project/pyproject.toml.jinja", "line-length = 100", "line-length = 99")
    replace(newer / "project/tox.ini.jinja", "py{311,312,313}", "py{311,312,313,314}")
    done = virtmig("plugins", "update", plugin)
    assert done.code == 0, done.err
    project = (plugin / PROJECT).read_text()
    assert "line-length = 99" in project
    assert "line-length = 100" not in project
    assert 'version = "0.7.0"' in project
    assert "314" in (plugin / "tox.ini").read_text()
    assert f"{PROJECT}: merged with your changes" in done.out
    assert "tox.ini: updated" in done.out
    assert "pytest" in done.out


def test_a_second_update_has_nothing_to_do(virtmig: Command, plugin: Path, newer: Path) -> None:
    replace(newer / "project/tox.ini.jinja", "py{311,312,313}", "py{311,312,313,314}")
    assert virtmig("plugins", "update", plugin).code == 0
    commit(plugin)
    again = virtmig("plugins", "update", plugin)
    assert again.code == 0
    assert "nothing has changed" in again.out
    assert updating.update(plugin, newer) == []


def test_the_range_of_cores_moves_on_with_the_core(
    plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(plugin / "pyproject.toml", 'version = "0.1.0"', 'version = "0.7.0"')
    monkeypatch.setattr(rendering, "__version__", "0.9.2")
    assert update(plugin) == [Change("pyproject.toml", Done.MERGED)]
    text = (plugin / "pyproject.toml").read_text()
    assert "virtmig>=0.9,<0.10" in text
    assert 'version = "0.7.0"' in text
    assert "_template: virtmig 0.9.2" in (plugin / rendering.ANSWERS).read_text()


def test_where_both_changed_the_same_line_both_are_left_and_told(
    virtmig: Command, plugin: Path, newer: Path
) -> None:
    conflict(virtmig, plugin, newer)
    lines = (plugin / PROJECT).read_text().splitlines()
    start = lines.index("<<<<<<< yours")
    assert lines[start + 1] == "line-length = 80"
    assert "line-length = 99" in lines
    assert ">>>>>>> the template now" in lines


def conflict(virtmig: Command, plugin: Path, newer: Path) -> None:
    """Change one line on both sides, and update."""
    replace(plugin / PROJECT, "line-length = 100", "line-length = 80")
    commit(plugin)
    replace(newer / "project/pyproject.toml.jinja", "line-length = 100", "line-length = 99")
    done = virtmig("plugins", "update", plugin)
    assert done.code == 1
    assert f"{PROJECT}: CONFLICT" in done.out
    assert "<<<<<<<" in done.out


@pytest.mark.parametrize("options", [(), ("--force",)], ids=["", "force"])
def test_conflicts_that_are_left_keep_the_next_update_away(
    virtmig: Command, plugin: Path, newer: Path, options: tuple[str, ...]
) -> None:
    conflict(virtmig, plugin, newer)
    for committed in (False, True):
        if committed:
            commit(plugin)
        again = virtmig("plugins", "update", plugin, *options)
        assert again.code == 2
        assert f"{PROJECT}: an earlier update left marks" in again.err


def test_the_example_is_the_author_s_once_it_is_changed(plugin: Path, newer: Path) -> None:
    """All of it: the files of the example know each other's names."""
    for name in ("state", "live", "test_bytes", "test_conformance"):
        path = newer / f"parts/device/{name}.py.jinja"
        path.write_text(f"# newer\n{path.read_text()}")
    other = plugin.with_name("other")
    shutil.copytree(plugin, other)
    taken = {change.path: change.done for change in update(other, newer)}
    assert set(taken.values()) == {Done.TAKEN}
    assert len(taken) == 4
    replace(plugin / STATE, "tag: int", "label: int")
    live = (plugin / LIVE).read_text()
    assert update(plugin, newer) == []
    assert "label: int" in (plugin / STATE).read_text()
    assert (plugin / LIVE).read_text() == live


def test_files_come_and_go(plugin: Path, newer: Path) -> None:
    """What the author removed stays away; what the template gave up goes unless it was changed."""
    (plugin / "tests/test_bytes.py").unlink()
    replace(plugin / ".gitignore", "build/\n", "build/\nmine/\n")
    (newer / "project/CITATION.cff.jinja").write_text("title: {{ distribution }}\n")
    replace(newer / "parts/device/test_bytes.py.jinja", "Replace them", "Replace all of them")
    (newer / "project/.gitignore.jinja").unlink()
    (newer / "project/.github/workflows/ci.yml").unlink()
    found = {change.path: change.done for change in update(plugin, newer)}
    assert found == {
        "CITATION.cff": Done.NEW,
        ".gitignore": Done.KEPT,
        ".github/workflows/ci.yml": Done.REMOVED,
    }
    assert (plugin / "CITATION.cff").read_text() == "title: virtmig-echo\n"
    assert not (plugin / "tests/test_bytes.py").exists()
    assert not (plugin / ".github/workflows/ci.yml").exists()
    assert "mine/" in (plugin / ".gitignore").read_text()


def test_the_author_s_own_files_are_never_touched(plugin: Path, newer: Path) -> None:
    for name in ("CHANGELOG.md", "LICENSE"):
        (newer / f"project/{name}.jinja").write_text("something else\n")
    before = {name: (plugin / name).read_text() for name in updating.ONCE}
    assert update(plugin, newer) == []
    assert {name: (plugin / name).read_text() for name in updating.ONCE} == before


def test_a_new_file_that_the_author_has_too_is_a_conflict(plugin: Path, newer: Path) -> None:
    (plugin / "Makefile").write_text("test:\n\tpytest\n")
    (newer / "project/Makefile").write_text("check:\n\ttox\n")
    assert update(plugin, newer) == [Change("Makefile", Done.CONFLICT)]
    text = (plugin / "Makefile").read_text()
    assert "pytest" in text
    assert "tox" in text


def test_the_tables_of_the_readme_are_no_conflict(plugin: Path, newer: Path) -> None:
    """They are not in what the template made: the author's are kept."""
    readme = plugin / "README.md"
    replace(readme, "<!-- fields:end -->", "| `lit` | the lamp is on |\n<!-- fields:end -->")
    replace(newer / "parts/device/README.md.jinja", "## Work on it", "## Development")
    assert update(plugin, newer) == [Change("README.md", Done.MERGED)]
    assert "| `lit` |" in readme.read_text()
    assert "## Development" in readme.read_text()


def test_a_question_that_is_new_takes_its_default(plugin: Path, newer: Path) -> None:
    with (newer / "copier.yml").open("a") as file:
        file.write('\nchat:\n  type: str\n  default: "#{{ package }}"\n')
    (newer / "project/CHAT.jinja").write_text("{{ chat }}\n")
    assert update(plugin, newer) == [Change("CHAT", Done.NEW)]
    assert (plugin / "CHAT").read_text() == "#virtmig_echo\n"


def test_a_folder_without_a_way_back_is_refused(
    virtmig: Command, plugin: Path, newer: Path
) -> None:
    replace(newer / "project/tox.ini.jinja", "py{311,312,313}", "py{311,312,313,314}")
    (plugin / "notes.txt").write_text("mine")
    refused = virtmig("plugins", "update", plugin)
    assert refused.code == 2
    assert "not committed" in refused.err
    assert "314" not in (plugin / "tox.ini").read_text()
    shutil.rmtree(plugin / ".git")
    said = virtmig("plugins", "update", plugin).err
    assert "is not in git; first there: git init && git add -A && git commit" in said
    assert virtmig("plugins", "update", "--force", plugin).code == 0
    assert "314" in (plugin / "tox.ini").read_text()


def test_a_folder_that_is_no_plugin_is_told_as_such(virtmig: Command, tmp_path: Path) -> None:
    """Whether it is in git does not matter then."""
    said = virtmig("plugins", "update", tmp_path).err
    assert "is no plugin: it has no pyproject.toml" in said
    assert "git" not in said.replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        (rendering.ANSWERS, None, "was not made by"),
        (rendering.BASE, None, "get it back"),
        (rendering.BASE, "{}", "damaged"),
        (rendering.BASE, "<<<<<<<", "damaged"),
    ],
)
def test_what_an_update_starts_from_has_to_be_there(
    virtmig: Command, plugin: Path, name: str, text: str | None, complaint: str
) -> None:
    if text is None:
        (plugin / name).unlink()
    else:
        (plugin / name).write_text(text)
    done = virtmig("plugins", "update", "--force", plugin)
    assert done.code == 2
    assert complaint in done.err
    assert done.err.count("\n") == 1


def test_texts_are_merged_as_git_does() -> None:
    assert merge_text("a\nB\nc\nd\ne\n", "a\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n") == (
        "a\nB\nc\nd\nE\n",
        False,
    )
