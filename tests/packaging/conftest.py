"""Empty environments, and wheels to put into them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from tools import wheels

ROOT = wheels.ROOT
SAMPLES = (ROOT / "samples/x86-q35.mig", ROOT / "samples/s390x.mig")
PIP = [*wheels.PIP, "--python"]


@attrs.frozen
class Environment:
    """A virtual environment; `plugins` names what is installed there beside the core."""

    folder: Path
    plugins: tuple[str, ...]

    def run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run an installed program, away from the sources and from what led here."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            [self.folder / "bin" / program, *map(str, arguments)],
            cwd=self.folder,
            env={**kept, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )

    def virtmig_json(self, *arguments: object) -> tuple[int, dict[str, Any]]:
        """Exit code and answer of `virtmig ... --json`."""
        done = self.run("virtmig", *arguments, "--json")
        assert done.stdout, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        assert answer["schema"] == 1
        return done.returncode, answer

    def install(self, *requirements: object) -> None:
        """Install from a package index, as a user would."""
        command = [*PIP, self.python, "install", *map(str, requirements)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def uninstall(self, name: str) -> None:
        """Remove a distribution."""
        subprocess.run([*PIP, self.python, "uninstall", "-y", name], check=True)

    @property
    def python(self) -> str:
        """The interpreter in there."""
        return str(self.folder / "bin" / "python")


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory) -> Path:
    """All wheels of this repository and what the core depends on, in one folder."""
    folder: Path = tmp_path_factory.mktemp("wheelhouse")
    built = wheels.build(list(wheels.PROJECTS))
    subprocess.run([*wheels.PIP, "wheel", "-w", folder, built[0]], check=True)
    for wheel in built[1:]:
        shutil.copy(wheel, folder)
    return folder


@pytest.fixture(scope="session")
def environment(wheelhouse: Path, tmp_path_factory) -> Callable[..., Environment]:
    """Give the environment with the core and these plugins; the same one if asked again."""
    made: dict[tuple[str, ...], Environment] = {}

    def make(*plugins: str) -> Environment:
        if plugins not in made:
            folder = tmp_path_factory.mktemp("-".join(("core", *plugins)))
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
            made[plugins] = Environment(folder, plugins)
            names = ["virtmig", *(f"virtmig-{name}" for name in plugins)]
            made[plugins].install("--no-index", "--find-links", wheelhouse, *names)
        return made[plugins]

    return make


@pytest.fixture(params=SAMPLES, ids=lambda path: path.stem)
def sample(request) -> Path:
    """Give each sample stream of the repository."""
    path: Path = request.param
    return path
