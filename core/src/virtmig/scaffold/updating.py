"""A newer template, merged into a plugin whose author has gone on from an older one.

Three versions of each file meet: as the old template made it (kept in the plugin, as the old
template itself is gone with the old virtmig), as the new template makes it, and as the author has
it. Where only one side has changed something that side wins; where both have, both are left in the
file between marks. `copier update` does the same for templates that have a git history.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path

import attrs

from virtmig.scaffold import Refused
from virtmig.scaffold.rendering import (
    ANSWERS,
    TEMPLATE,
    answers_in,
    questions,
    read_base,
    render,
    write_base,
)

ONCE = ("CHANGELOG.md", "LICENSE")
"""The author's own from the start."""
EXAMPLE = re.compile(r"(?:src|tests)/.*\.py")
"""What the author was told to replace: all of it is his as soon as any of it is changed."""
LABELS = ("yours", "the template before", "the template now")
MARK = re.compile(rf"^<{{7}} {LABELS[0]}$", re.MULTILINE)


class Done(Enum):
    """What came of a file."""

    NEW = "new"
    TAKEN = "updated"
    MERGED = "merged with your changes"
    CONFLICT = "CONFLICT: you and the template changed the same lines"
    REMOVED = "removed, as the template has it no more"
    KEPT = "yours now: the template has it no more"


@attrs.frozen
class Change:
    """A file that the update touched, or has something to say about."""

    path: str
    done: Done


def update(folder: Path, template: Path = TEMPLATE) -> list[Change]:
    """Merge the template into a plugin; what is not named in the result was left alone."""
    recorded = answers_in(folder)
    base = read_base(folder)
    given = {name: recorded[name] for name in questions(template) if name in recorded}
    with tempfile.TemporaryDirectory() as scratch:
        new = render(given, Path(scratch) / "new", template=template)
    changes = list(_merge_all(folder, base, new))
    (folder / ANSWERS).write_text(new[ANSWERS])
    write_base(folder, new)
    return changes


def check_ready(folder: Path) -> None:
    """Refuse a folder that is no plugin of this template, or has conflicts of an earlier update."""
    if not (folder / "pyproject.toml").exists():
        raise Refused(f"{folder.resolve()} is no plugin: it has no pyproject.toml")
    answers_in(folder)
    marked = [
        path
        for path in sorted(read_base(folder))
        if (folder / path).is_file() and MARK.search((folder / path).read_text(errors="replace"))
    ]
    if marked:
        text = f"{', '.join(marked)}: an earlier update left marks, {LABELS[0]!r} and the template"
        raise Refused(f"{text}; choose between the lines there, and commit that, first")


def check_undoable(folder: Path) -> None:
    """Refuse a folder of which there is no other copy: `git diff` is to show what an update did."""
    command = ["git", "-C", str(folder), "status", "--porcelain", "--", "."]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        first = "git init && git add -A && git commit -m Begin"
        raise Refused(_unsafe(folder, "is not in git", f"first there: {first}"))
    if done.stdout:
        raise Refused(_unsafe(folder, "has changes that are not committed", "commit first"))


def _unsafe(folder: Path, state: str, do: str) -> str:
    show = "so that `git diff` shows what is changed (or --force)"
    return f"{folder.resolve()} {state}; {do}, {show}"


def _merge_all(folder: Path, base: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    own = {*ONCE, ANSWERS, *_example(folder, base)}
    for path in sorted((base.keys() | new.keys()) - own):
        done = _merge(folder / path, base.get(path), new.get(path))
        if done is not None:
            yield Change(path, done)


def _example(folder: Path, base: Mapping[str, str]) -> set[str]:
    """The files of the example, if the author has begun to replace it."""
    files = {path for path in base if EXAMPLE.fullmatch(path)}
    begun = any(_read(folder / path) != base[path] for path in files)
    return files if begun else set()


def _read(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


def _merge(file: Path, base: str | None, new: str | None) -> Done | None:
    """Bring one file up to date; base, new: None where that template does not have it."""
    yours = _read(file)
    if new in (base, yours) or (yours is None and base is not None):
        return None  # nothing new, there already, or thrown out by the author
    if new is None:
        return _remove(file) if yours == base else Done.KEPT
    if yours is None or yours == base:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(new)
        return Done.NEW if yours is None else Done.TAKEN
    merged, conflict = merge_text(yours, base or "", new)
    file.write_text(merged)
    return Done.CONFLICT if conflict else Done.MERGED


def _remove(file: Path) -> Done:
    file.unlink()
    return Done.REMOVED


def merge_text(yours: str, base: str, new: str) -> tuple[str, bool]:
    """Three versions of a text as one, and whether it has conflicts marked in it."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in {"yours": yours, "base": base, "new": new}.items():
            (Path(scratch) / name).write_text(text)
        labels = [part for label in LABELS for part in ("-L", label)]
        command = ["git", "merge-file", "-p", *labels, "yours", "base", "new"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)  # noqa: S603
    if not 0 <= done.returncode < 128:
        raise Refused(f"git merge-file failed: {done.stderr.strip()}")
    return done.stdout, done.returncode > 0
