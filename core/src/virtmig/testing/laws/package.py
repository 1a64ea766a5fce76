"""Laws of the distribution: what it declares, imports, and does when it is imported."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from virtmig.checking.static import static_findings
from virtmig.checking.subject import of_installed
from virtmig.hooks.contract import Finding
from virtmig.hooks.corerange import on_core
from virtmig.hooks.discovery import normal, scan
from virtmig.testing.imports import imported
from virtmig.testing.isolation import everything
from virtmig.testing.kit import Kit, law
from virtmig.testing.report import LawBroken
from virtmig.testing.subject import Subject, relative

SERIOUS = ("no-core-range", "no-py-typed")
"""Warnings of `virtmig plugins validate` that a published plugin has to be without."""
SECONDS = 20.0


class PackageLaws(Kit):
    """What holds for the distribution of every plugin."""

    @law
    def test_distribution(self) -> None:
        """Metadata and source are what `virtmig plugins validate` asks for."""
        if self.subject.stale is not None:
            raise self.subject.stale
        found = static_findings(of_installed(self.subject.source.distribution, scan()))
        self._report(found)
        lines = on_core(self.subject.distribution.requires or ())
        if lines and not any(_holds(line) for line in lines):
            do = "take the marker behind the semicolon away"
            raise LawBroken(f"{lines[-1]!r} holds on no machine like this", do=do, field="METADATA")

    def _report(self, findings: list[Finding]) -> None:
        for one in findings:
            if one.severity == "error" or one.code in SERIOUS:
                do = one.do or "run `virtmig plugins validate` for more"
                raise LawBroken(f"{one.what} [{one.code}]", do=do, field=one.where)
            self.note(f"{one.where}: {one.what}; {one.do}")

    @law
    def test_entry_points(self) -> None:
        """Each driver that the distribution has an entry point for is found and can be bound."""
        mine = self.subject.source
        with everything():
            for one in scan().drivers:
                if one.distribution == mine.distribution and one != mine:
                    self._other(Subject(one.kind, one.name))

    def _other(self, other: Subject) -> None:
        if (broken := other.unsound) is not None:
            found = f"the distribution has it too, and: {broken.found}"
            where = f"{other.group}: {other.name}"
            raise LawBroken(found, do=broken.do, field=where) from broken.__cause__

    @law
    def test_one_version(self) -> None:
        """The package and its distribution say the same version."""
        top = sys.modules.get(self.subject.module.partition(".")[0])
        said = getattr(top, "__version__", None)
        written = self.subject.source.version
        if said is not None and str(said) != written:
            do = "write the version once: version(__name__) of importlib.metadata reads it"
            text = f"__version__ is {said}, the distribution's {written}"
            raise LawBroken(text, do=do, field=f"{self.subject.module}: __version__")

    @law
    def test_imports(self) -> None:
        """The package imports what it declares, and virtmig.api alone of virtmig."""
        brought = metadata.packages_distributions()
        declared = _required(self.subject.distribution)
        plugins = {normal(one.distribution) for one in scan().drivers}
        for path in self.subject.sources:
            for line, name in imported(path):
                self._imported(f"{relative(path)}:{line}", name, brought, declared, plugins)

    def _imported(
        self, where: str, name: str, brought: Any, declared: set[str], plugins: set[str]
    ) -> None:
        top = name.partition(".")[0]
        owner = {normal(one) for one in brought.get(top, ())}
        mine = normal(self.subject.source.distribution)
        if top in sys.stdlib_module_names or mine in owner or top == self.subject.package.stem:
            return
        if top == "virtmig":
            if name == "virtmig.api" or name.startswith("virtmig.api."):
                return
            do = "import from virtmig.api alone; the rest may change in any release"
            raise LawBroken(f"imports {name}", do=do, field=where)
        if owner & plugins:
            do = "let each plugin work alone: copy what it needs, or ask for it in virtmig.api"
            raise LawBroken(f"imports {name}, another plugin", do=do, field=where)
        if not owner & declared:
            do = f"add {', '.join(sorted(owner)) or top} to dependencies in pyproject.toml"
            do += "; that something else brings it now is no promise" if owner else ""
            raise LawBroken(f"imports {name}, which is not declared", do=do, field=where)

    @law
    def test_import_does_nothing(self) -> None:
        """Importing the plugin defines things, and does nothing else."""
        others = [one.value.partition(":")[0] for one in scan().drivers]
        mine = self.subject.module.partition(".")[0]
        others = [name for name in others if name.partition(".")[0] != mine]
        command = [sys.executable, "-m", "virtmig.testing.importing", self.subject.module, *others]
        do = "let the module be imported by itself, in any order, without pytest, in no time"
        try:
            ran = subprocess.run(  # noqa: S603  our own module
                command, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            found_text = f"importing it takes longer than {SECONDS:g} seconds"
            raise LawBroken(found_text, do=do, field=self.subject.module) from None
        if ran.returncode:
            said = ran.stderr.strip().rpartition("\n")[2]
            raise LawBroken(
                f"it cannot be imported alone: {said}", do=do, field=self.subject.module
            )
        found = json.loads(ran.stdout)
        do = "let a module define things alone; what is not the plugin's own is left as it is"
        for text in found["done"]:
            raise LawBroken(f"on import it {text}", do=do, field=self.subject.module)
        for name in found["others"]:
            do = "let each plugin work alone"
            raise LawBroken(f"it imports {name}, another plugin", do=do, field=self.subject.module)

    @law
    def test_methods_once(self) -> None:
        """No class declares a method twice, of which Python keeps the last alone."""
        for path in self.subject.sources:
            for cls, name, line in doubled_methods(path):
                do = "give one of them another name, or delete it"
                where = f"{relative(path)}:{line}"
                raise LawBroken(f"{cls}.{name} is declared twice", do=do, field=where)


def doubled_methods(path: Path) -> Iterator[tuple[str, str, int]]:
    """Class, name and line of each method that stands in its class a second time."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if not isinstance(node, ast.ClassDef):
            continue
        seen: set[str] = set()
        for one in node.body:
            if isinstance(one, ast.FunctionDef):
                plain = not any(_pairs(mark) for mark in one.decorator_list)
                if one.name in seen and plain:
                    yield node.name, one.name, one.lineno
                seen.add(one.name)


def _pairs(decorator: ast.expr) -> bool:
    """Whether a decorator is one of those that take a method twice: a setter, an overload."""
    return ast.unparse(decorator).endswith((".setter", ".deleter", ".getter", "overload"))


def _required(distribution: metadata.Distribution) -> set[str]:
    """The distributions that one itself requires, without any extra."""
    found: set[str] = set()
    for line in distribution.requires or ():
        if "extra" not in line.partition(";")[2]:
            found.add(normal(re.split(r"[^\w.-]", line.strip(), maxsplit=1)[0]))
    return found


def _holds(line: str) -> bool:
    """Whether the marker of a requirement holds here."""
    from packaging.requirements import Requirement  # noqa: PLC0415  of use here alone

    marker = Requirement(line).marker
    return marker is None or marker.evaluate({"extra": ""})
