"""A stranger's first hour: built wheels, `virtmig plugins new`, and edits of the author's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from tests.packaging.conftest import Environment
from tools.wheels import ROOT

pytestmark = [pytest.mark.packaging, pytest.mark.isolated]

LAMP = ROOT / "docs" / "code" / "lamp"
"""What the tutorial lets its reader write: a lamp with three fields and a subsection."""
WRITTEN = {
    "state.txt": "src/virtmig_lamp/state.py",
    "live.txt": "src/virtmig_lamp/live.py",
    "test_bytes.txt": "tests/test_bytes.py",
}


@attrs.frozen
class Desk:
    """An environment, and the folder that a stranger works in."""

    environment: Environment
    folder: Path
    links: str

    def run(self, program: str, *arguments: object, fails: bool = False) -> str:
        """What a command prints; it has to end well, or to fail where that is wanted."""
        programs = self.environment.folder / "bin"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(
            [programs / program, *map(str, arguments)],
            cwd=self.folder,
            env={**kept, "PATH": f"{programs}:{os.environ['PATH']}", "PIP_FIND_LINKS": self.links},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert bool(done.returncode) is fails, f"{program} {arguments}\n{done.stdout}{done.stderr}"
        return done.stdout

    def inside(self, folder: str) -> Desk:
        """The same stranger, after `cd`."""
        return attrs.evolve(self, folder=self.folder / folder)


@pytest.fixture(scope="module")
def stranger(wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """An empty environment after `pip install "virtmig[new]"`, and what a developer has."""
    folder = tmp_path_factory.mktemp("stranger")
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    links = f"{wheelhouse} {os.environ.get('PIP_FIND_LINKS', '')}".strip()
    desk = Desk(Environment(folder / "env", ()), folder, links)
    desk.run("pip", "install", "-q", "virtmig[new]", "tox>=4.20")
    return desk


@pytest.fixture(scope="module")
def lamp(stranger: Desk) -> Desk:
    """A new plugin, as it was made."""
    stranger.run("virtmig", "plugins", "new", "virtio-lamp", "--defaults")
    return stranger.inside("virtmig-lamp")


def test_untouched_it_passes_its_own_tox(lamp: Desk) -> None:
    """Tests, rules and format, README and types: each of its environments is green."""
    parallel = ("run-parallel", "--parallel-no-spinner", "--parallel-live")
    said = lamp.run("tox", *parallel, "-e", "py,lint,typing")
    assert "no goldens yet" in said
    assert said.count("OK") >= 3


@pytest.fixture(scope="module")
def installed(lamp: Desk) -> Desk:
    """The plugin, installed as its author does."""
    lamp.run("pip", "install", "-q", "-e", ".[test]", *tools())
    return lamp


def tools() -> list[str]:
    """The tools of this repository, in the versions that its tox has."""
    lines = (line.strip() for line in (ROOT / "tox.ini").read_text().splitlines())
    found = {line.removeprefix("deps = ") for line in lines}
    return sorted(one for one in found if one.startswith(("ruff==", "mypy==")))


def test_the_command_knows_it(installed: Desk) -> None:
    listed = installed.run("virtmig", "plugins", "list")
    assert "virtmig-lamp 0.1.0" in listed
    assert "no findings" in installed.run("virtmig", "plugins", "validate", ".")


def test_filled_in_it_is_as_good_as_before(installed: Desk) -> None:
    """Three other fields and a subsection; nothing of the core is touched."""
    for source, target in WRITTEN.items():
        assert (installed.folder / target).exists()
        (installed.folder / target).write_text((LAMP / source).read_text())
    assert "stale" in installed.run("virtmig", "plugins", "readme", "--check", fails=True)
    installed.run("virtmig", "plugins", "readme")
    assert "`brightness`" in (installed.folder / "README.md").read_text()
    check(installed)


def test_a_bus_is_made_the_same_way(installed: Desk, stranger: Desk) -> None:
    """The environment has all that it needs; only the new plugin is added."""
    stranger.run("virtmig", "plugins", "new", "virtio-wire", "--transport", "--defaults")
    wire = stranger.inside("virtmig-wire")
    wire.run("pip", "install", "-q", "--no-deps", "-e", ".")
    check(wire)


def check(desk: Desk) -> None:
    """What its tox does, without new environments."""
    passed = desk.run("pytest", "-q", "-p", "no:cacheprovider")
    assert " passed" in passed
    desk.run("ruff", "check", ".")
    desk.run("ruff", "format", "--check", ".")
    desk.run("mypy")
    assert "up to date" in desk.run("virtmig", "plugins", "readme", "--check")


def test_without_the_extra_it_says_what_to_install(
    environment: Callable[..., Environment],
) -> None:
    done = environment().run("virtmig", "plugins", "new", "virtio-lamp")
    assert done.returncode == 2
    assert done.stderr == 'Error: this needs copier: pip install "virtmig[new]"\n'
