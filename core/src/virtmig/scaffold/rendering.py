"""The template's files for one plugin, made by copier."""

from __future__ import annotations

import importlib
import importlib.util
import json
import shutil
import subprocess
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from virtmig import __version__
from virtmig.hooks.known import DEVICE_IDS, NO_ID
from virtmig.scaffold import Refused
from virtmig.scaffold.names import Names, names_of

TEMPLATE = Path(__file__).parent / "template"
ANSWERS = ".copier-answers.yml"
BASE = ".copier-base.json"
"""What the template made, before its author changed it: what `virtmig plugins update` starts at."""


def need_copier() -> None:
    """Say what to install, if that is missing."""
    if importlib.util.find_spec("copier") is None:
        raise Refused('this needs copier: pip install "virtmig[new]"')
    if shutil.which("git") is None:
        raise Refused("this needs git: install it from your system, and try again")


def _extra(module: str) -> Any:
    """A module of copier or of what it brings; it may be missing, and takes a while to import."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        hint = "pip install --upgrade copier"
        raise Refused(f"copier is installed, but does not work: {error} ({hint})") from None


def questions(template: Path = TEMPLATE) -> dict[str, Any]:
    """What the template asks for, by name."""
    found: dict[str, Any] = _extra("yaml").safe_load((template / "copier.yml").read_text())
    return {name: one for name, one in found.items() if not name.startswith("_")}


def answers_in(folder: Path) -> dict[str, Any]:
    """What was answered when the plugin in a folder was made."""
    try:
        found: dict[str, Any] = _extra("yaml").safe_load((folder / ANSWERS).read_text())
    except FileNotFoundError:
        text = f"{folder.resolve()} was not made by `virtmig plugins new`: it has no {ANSWERS}"
        raise Refused(text) from None
    return found


def render(
    given: Mapping[str, Any], folder: Path, *, ask: bool = False, template: Path = TEMPLATE
) -> dict[str, str]:
    """Make the files in a folder that does not exist yet; returns them by path.

    given: answers, with the name. ask: put the open questions to whoever sits at the terminal.
    """
    _check(given, questions(template))
    errors = _extra("copier.errors")
    data = {**given, **_computed(names_of(str(given["name"])))}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _extra("copier").run_copy(
                str(template), folder, data=data, defaults=not ask, quiet=True
            )
    except errors.CopierAnswersInterrupt:
        raise Refused("nothing was made") from None
    except (ValueError, errors.UserMessageError) as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(f"{folder} cannot be made: {error.strerror or error}") from None
    return files_in(folder)


def _check(given: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse what copier would leave out, or would tell in words of its own."""
    unknown = sorted(set(given) - set(asked))
    if unknown:
        known = ", ".join(name for name in asked if name not in ("name", "kind"))
        raise Refused(f"the template does not ask for {', '.join(unknown)}; it asks for {known}")
    for name, answer in given.items():
        if asked[name]["type"] == "int" and not str(answer).isdecimal():
            raise Refused(f"{name}={answer}: a number is expected")


def _computed(names: Names) -> dict[str, str]:
    """What the template needs and asks nobody for."""
    return {
        "distribution": names.distribution,
        "package": names.package,
        "prefix": names.prefix,
        "short": names.short,
        "core": core_range(__version__),
        "core_version": __version__,
        "git_user": _git_user(),
        "known_id": str(DEVICE_IDS.get(names.driver, NO_ID)),
    }


def core_range(version: str) -> str:
    """The cores that a plugin made for this one works with: `>=0.1,<0.2`.

    A core that is not released yet is named exactly, as `>=0.2` would leave it out.
    """
    major, minor = version.split(".")[:2]
    final = all(part.isdigit() for part in version.split("."))
    least = f"{major}.{minor}" if final else version
    return f">={least},<{major}.{int(minor) + 1}"


def _git_user() -> str:
    command = ["git", "config", "user.name"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()


def files_in(folder: Path) -> dict[str, str]:
    """All files of a folder, by path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def write_base(folder: Path, files: Mapping[str, str]) -> None:
    """Keep the files as the template made them; by lines, so that changes can be read."""
    lines = {path: text.splitlines(keepends=True) for path, text in sorted(files.items())}
    note = "The files as the template made them. For `virtmig plugins update`; do not edit."
    text = json.dumps({"note": note, "files": lines}, indent=1, ensure_ascii=False)
    (folder / BASE).write_text(f"{text}\n")


def read_base(folder: Path) -> dict[str, str]:
    """The files as the template made them, by path."""
    try:
        lines = json.loads((folder / BASE).read_text())["files"]
        return {str(path): "".join(text) for path, text in lines.items()}
    except FileNotFoundError:
        raise Refused(f"{folder} has no {BASE}; get it back from your history") from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise Refused(f"{folder / BASE} is damaged; get it back from your history") from None
