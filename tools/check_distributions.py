"""Build sdist and wheel of every distribution and check them as an index and a user would.

Needs the packages build, hatchling and twine (`tox -e pkg`).
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = (
    ROOT / "core",
    *sorted(settings.parent for settings in (ROOT / "plugins").glob("*/pyproject.toml")),
)
IN_SDIST = ("LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "PKG-INFO")


def main() -> int:
    """Build and check all; 1 if anything is missing."""
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for project in PROJECTS:
            problems += build_and_check(project, Path(folder) / project.name)
        files = sorted(Path(folder).glob("*/*"))
        subprocess.run(
            [sys.executable, "-m", "twine", "check", "--strict", *map(str, files)], check=True
        )
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def build_and_check(project: Path, folder: Path) -> list[str]:
    """What is wrong with the two files of one project; the wheel is built from the sdist."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(project)], check=True, stdout=subprocess.DEVNULL)
    table = tomllib.loads((project / "pyproject.toml").read_text())
    name = table["project"]["name"].replace("-", "_")
    base = f"{name}-{table['project']['version']}"
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = set(archive.getnames())
    wanted = {
        f"{name}/py.typed": in_wheel,
        f"{base}.dist-info/licenses/LICENSE": in_wheel,
        f"{base}.dist-info/entry_points.txt": in_wheel,
        f"{base}/src/{name}/py.typed": in_sdist,
        **{f"{base}/{member}": in_sdist for member in IN_SDIST},
    }
    foreign = [member for member in in_wheel if not member.startswith((f"{name}/", f"{base}."))]
    return [
        *(f"{base}: {path} is missing" for path, found in wanted.items() if path not in found),
        *(f"{wheel.name}: {member} does not belong in a wheel" for member in foreign),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
