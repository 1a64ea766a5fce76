"""What can be said of a distribution without importing it: metadata, files, source text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs

from virtmig import __version__
from virtmig.checking.modules import find_module, package_folder, python_files, top_of
from virtmig.checking.sources import source_findings
from virtmig.checking.subject import Subject
from virtmig.containers.contract import GROUP as CONTAINERS
from virtmig.errors import IncompatiblePlugin, PluginError
from virtmig.hooks.contract import VMSD_NAME, Finding, Severity
from virtmig.hooks.corerange import CORE, shown_range
from virtmig.hooks.discovery import DEVICES, KINDS, SECTIONS, TRANSPORTS, Installed

GROUPS = (*KINDS, CONTAINERS)
"""Every group of entry points; a container is no driver, and its name is nobody's business."""
VALUE = re.compile(r"\w+(\.\w+)*\s*:\s*\w+(\.\w+)*")
NAMES = {
    DEVICES: VMSD_NAME,
    SECTIONS: re.compile(r"[\w.:-]+", re.ASCII),
    TRANSPORTS: re.compile(r"[\w.-]+", re.ASCII),
}


def static_findings(subject: Subject) -> list[Finding]:
    """All that is wrong as far as it can be seen."""
    found = [
        *subject.findings,
        *_entry_points(subject),
        *_core_range(subject),
        *_metadata(subject),
        *_packages(subject),
    ]
    return [attrs.evolve(one, distribution=subject.name) for one in found]


def _entry_points(subject: Subject) -> Iterator[Finding]:
    place = subject.place
    if not any(one.group in GROUPS for one in subject.points):
        text = f"has no entry point in {', '.join(GROUPS)}"
        do = f'write [project.entry-points."{DEVICES}"] into pyproject.toml, and the driver below'
        yield Finding(code="no-drivers", where=place, what=text, do=do)
    for (group, name), count in Counter((one.group, one.name) for one in subject.points).items():
        if count > 1:
            text = f"{group}: {name} is there {count} times"
            yield Finding(code="doubled-name", where=place, what=text, do="leave one")
    for one in subject.points:
        yield from _entry_point(one, subject)


def _entry_point(one: Installed, subject: Subject) -> Iterator[Finding]:
    place = subject.place
    if one.group not in GROUPS:
        text = f"the group {one.group!r} of {one.name} is none of virtmig's"
        do = f"use one of {', '.join(GROUPS)}"
        yield Finding(code="unknown-group", severity="warning", where=place, what=text, do=do)
        return
    pattern = NAMES.get(one.group)
    if pattern and not (pattern.fullmatch(one.name) and one.name.isascii()):
        text = f"{one.kind} {one.name!r}: no section is named like that"
        do = "use QEMU's name of it, such as virtio-net"
        yield Finding(code="name-never-found", where=place, what=text, do=do)
    if not VALUE.fullmatch(one.value):
        text = f"{one.name} = {one.value!r} names no object in a module"
        yield Finding(code="entry-point", where=place, what=text, do="write package.module:object")
    elif find_module(one.value.partition(":")[0].strip(), subject.path) is None:
        text = f"{one.name} = {one.value!r}: there is no such module"
        do = "mend the entry point" if subject.path else f"install {subject.name} again"
        yield Finding(code="module-missing", where=place, what=text, do=do)


def _core_range(subject: Subject) -> Iterator[Finding]:
    place = subject.place
    severity: Severity = "warning"
    major_minor = ".".join(__version__.split(".")[:2])
    do = f'add "{CORE}>={major_minor},<..." to dependencies in pyproject.toml'
    if not subject.requires:
        text = f"does not say which versions of {CORE} it is for"
        yield Finding(code="no-core-range", severity=severity, where=place, what=text, do=do)
        return
    wanted = shown_range(subject.requires)
    if "<" not in wanted and "==" not in wanted and "~=" not in wanted:
        text = f"needs {CORE}{wanted}, so also cores that are not made yet"
        do = "add an upper bound"
        yield Finding(code="open-core-range", severity=severity, where=place, what=text, do=do)
    try:
        Installed(DEVICES, subject.name, "", subject.name, "", subject.requires).check_core()
    except IncompatiblePlugin as error:
        text = f"needs {CORE}{wanted}; this is {__version__}"
        yield Finding(code="core-range", where=place, what=text, do=error.hint)
    except PluginError as error:
        yield Finding(code="core-range", where=place, what=error.reason, do="see PEP 508")


def _metadata(subject: Subject) -> Iterator[Finding]:
    """What a stranger looks for before installing."""
    known: dict[str, tuple[object, Severity, str, str]] = {
        "no-readme": (subject.readme, "warning", "has no readme", 'readme = "README.md"'),
        "no-licence": (subject.licence, "warning", "names no licence", 'license = "..."'),
        "no-python": (
            subject.python,
            "warning",
            "does not say which Pythons it is for",
            'requires-python = ">=3.11"',
        ),
    }
    for code, (there, severity, text, line) in known.items():
        if not there and not subject.findings:
            do = f"in pyproject.toml: {line}"
            yield Finding(code=code, severity=severity, where=subject.place, what=text, do=do)


def _packages(subject: Subject) -> Iterator[Finding]:
    tops = {top_of(one.value) for one in subject.points if VALUE.fullmatch(one.value)}
    for top in sorted(tops):
        folder = package_folder(top, subject.path)
        if folder is not None and not (folder / "py.typed").exists():
            text = f"{top} has no file py.typed, so type checkers do not look into it"
            do = "add an empty one to the package"
            place = subject.shown(folder)
            yield Finding(code="no-py-typed", severity="warning", where=place, what=text, do=do)
        for file in python_files(top, subject.path):
            yield from source_findings(file, subject.shown(Path(file)))
