"""Build the wheels of this repository and install them into the running Python's environment.

    python tools/wheels.py build [NAME...]               print the paths of the wheels
    python tools/wheels.py install [--lowest] [NAME...]  install those, and pytest with --tests

Names are core and those of the folders in plugins/, without `virtio-`; none means all. A wheel is
built only if what goes into it has changed, so that many environments share one build. `--lowest`
installs each dependency at the lowest version that the distributions declare. Needs nothing but
pip.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "build" / "wheels"
PLUGINS = {
    settings.parent.name.removeprefix("virtio-"): settings.parent
    for settings in sorted((ROOT / "plugins").glob("*/pyproject.toml"))
}
PROJECTS = {"core": ROOT / "core", **PLUGINS}
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("action", choices=("build", "install"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--lowest", action="store_true", help="lowest declared dependencies")
    parser.add_argument("--tests", action="store_true", help="also what the tests need")
    options = parser.parse_intermixed_args(argv)  # options may stand before names
    unknown = set(options.names) - set(PROJECTS)
    if unknown:
        parser.error(f"no such name: {', '.join(sorted(unknown))}; known: {', '.join(PROJECTS)}")
    wheels = build(options.names or list(PROJECTS))
    if options.action == "install":
        install(wheels, lowest=options.lowest, tests=options.tests)
    print(*wheels, sep="\n")
    return 0


def build(names: Sequence[str]) -> list[Path]:
    """The wheels of these projects, built where needed; in the order of the names."""
    with _lock():
        folders = {name: STORE / f"{name}-{_fingerprint(PROJECTS[name])}" for name in names}
        stale = [name for name, folder in folders.items() if not list(folder.glob("*.whl"))]
        if stale:
            _build([(PROJECTS[name], folders[name]) for name in stale])
    return [next(folder.glob("*.whl")) for folder in folders.values()]


def install(wheels: Sequence[Path], *, lowest: bool = False, tests: bool = False) -> None:
    """Install wheels of `build` and their dependencies from the package index."""
    # Their version does not tell two builds apart: pip has to be told to replace them.
    subprocess.run(
        [*PIP, "install", "--no-deps", "--force-reinstall", *map(str, wheels)], check=True
    )
    extras = "[lzo,new,testing,url,zstd]" if tests else ""
    wanted = [f"{wheel}{extras}" if _is_core(wheel) else str(wheel) for wheel in wheels]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(lowest_versions() if lowest else []))
        constraints.flush()
        subprocess.run([*PIP, "install", "-c", constraints.name, *wanted], check=True)


def lowest_versions() -> list[str]:
    """The lower bound of every dependency outside this repository, as exact requirements."""
    found: dict[str, str] = {}
    for project in PROJECTS.values():
        table = tomllib.loads((project / "pyproject.toml").read_text())["project"]
        extras = table.get("optional-dependencies", {}).values()
        for requirement in [*table["dependencies"], *(one for extra in extras for one in extra)]:
            match = re.match(r"([\w.-]+)(?:\[.*\])?\s*>=\s*([\w.]+)", requirement)
            if match is None:
                message = f"{project.name}: {requirement!r} has no lower bound"
                raise ValueError(message)
            if not match[1].startswith("virtmig"):
                found[match[1]] = match[2]
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def _is_core(wheel: Path) -> bool:
    return wheel.name.startswith("virtmig-")


def _fingerprint(project: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(project.rglob("*")):
        inside = path.relative_to(project)
        if path.is_file() and "__pycache__" not in inside.parts and inside.parts[0] != "tests":
            digest.update(f"{inside}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _build(targets: Sequence[tuple[Path, Path]]) -> None:
    with tempfile.TemporaryDirectory(dir=STORE) as scratch:
        sources = [str(source) for source, _ in targets]
        subprocess.run([*PIP, "wheel", "--no-deps", "-w", scratch, *sources], check=True)
        for source, folder in targets:
            table = tomllib.loads((source / "pyproject.toml").read_text())["project"]
            name = table["name"].replace("-", "_")
            (wheel,) = Path(scratch).glob(f"{name}-{table['version']}-*.whl")
            folder.mkdir(exist_ok=True)
            wheel.rename(folder / wheel.name)


@contextmanager
def _lock() -> Generator[None]:
    STORE.mkdir(parents=True, exist_ok=True)
    with (STORE / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    raise SystemExit(main())
