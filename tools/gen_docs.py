"""Write the generated parts of the documentation, from the declarations of the code.

    python tools/gen_docs.py            bring every generated part up to date
    python tools/gen_docs.py --check    exit with 1 if any is stale, and name its file

A generated part stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->` in a Markdown file of
the repository; NAME is a key of `PARTS`. A code block under `<!-- quote: PATH -->` is that file,
whole. All else is written by hand. Needs virtmig and the plugins of this repository installed.
The reference of `virtmig.api` needs `core/api-surface.txt`, which `api_surface.py` writes.
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script it finds its neighbours by their full names too

from tools import api_reference, defect_table, device_table, plugin_table  # noqa: E402  the path comes first
from tools.api_surface import CORE_RECORDS as CORE  # noqa: E402
from tools.api_surface import error_classes, hooks, implementers, signature  # noqa: E402
from virtmig.cli.main import virtmig  # noqa: E402
from virtmig.environment import VARIABLES  # noqa: E402
from virtmig.formats.tables import anchor, driver_markdown, record_markdown, table  # noqa: E402
from virtmig.scaffold.project import drivers  # noqa: E402
from virtmig.scaffold.readme import field_tables, filled, part_names  # noqa: E402
from virtmig.testing import (  # noqa: E402
    DeviceConformance,
    SectionConformance,
    TransportConformance,
)
from virtmig.testing.kit import laws_of  # noqa: E402
from virtmig.virtio import order  # noqa: E402
from virtmig.virtio.drivers import Driver  # noqa: E402
from virtmig.virtio.element import ELEMENT_NDESCS  # noqa: E402
from virtmig.virtio.facts import HOST_BYTEORDER, OpenFact  # noqa: E402

PLUGINS = sorted(one.parent for one in (ROOT / "plugins").glob("*/pyproject.toml"))
HELP_WIDTH = 80
HEADINGS = ("Called", "Given", "Return", "Not yet loaded", "QEMU")
LOOPS = {
    order.Per.ONCE: "",
    order.Per.QUEUE: "for each queue",
    order.Per.SUBSECTION: "for each one sent",
    order.Per.OUTER: "if it has fields of its own",
}


def markdown_files() -> Iterator[Path]:
    """All Markdown that may hold generated parts."""
    yield from ROOT.glob("*.md")
    for folder in ("core", "docs", "plugins"):
        yield from sorted((ROOT / folder).rglob("*.md"))


def first_line(thing: object) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def drivers_of(folder: Path) -> Iterator[Driver]:
    """The drivers that a plugin's folder brings, by its entry points."""
    yield from drivers(folder)


def records_part(_: Path) -> Iterator[str]:
    """All records of the core and of the plugins of this repository."""
    yield "### The virtio core"
    for cls in CORE:
        yield from record_markdown(cls)
    for folder in PLUGINS:
        for driver in drivers_of(folder):
            yield from ("", f"### {driver.name}", "", *driver_markdown(driver, elsewhere=CORE))


def fields_part(path: Path) -> Iterator[str]:
    """The records of the plugin in whose folder the file lies, as `virtmig plugins readme` does."""
    yield from field_tables(path.parent)


def facts_part(_: Path) -> Iterator[str]:
    """Every open fact of the core and of the plugins."""
    facts: list[tuple[str, OpenFact]] = [("core", ELEMENT_NDESCS), ("core", HOST_BYTEORDER)]
    for folder in PLUGINS:
        facts += [(one.name, fact) for one in drivers_of(folder) for fact in one.facts]
    lines: list[tuple[str, ...]] = []
    for owner, fact in facts:
        candidates = ", ".join(f"`{one}`".lower() for one in fact.candidates)
        rivals = "first one, assumed" if fact.prefer_first else "`AmbiguousLayout`"
        lines.append((f"`{fact.name}`", owner, candidates, rivals, fact.doc))
    titles = ("fact", "asked by", "candidates, in the order tried", "several fit, and differ")
    yield from table((*titles, "meaning"), lines)


def called(hook: Callable[..., Any]) -> str:
    """`load_queue(transport, index, state)`: what an implementation may ask for."""
    return f"{hook.__name__}({', '.join(inspect.signature(hook).parameters)})"


def hook_sections(hook: Callable[..., Any]) -> dict[str, str]:
    """A hook's docstring by its fixed headings; the text in front of them under `""`."""
    found: dict[str, str] = {}
    heading = ""
    for line in (inspect.getdoc(hook) or "").splitlines():
        name, colon, rest = line.partition(": ")
        opens = bool(colon) and name in HEADINGS
        heading = name if opens else heading
        found[heading] = f"{found.get(heading, '')} {rest if opens else line}".strip()
    return found


def hooks_part(_: Path) -> Iterator[str]:
    """Every hook: its signature and the headings of its docstring."""
    for hook in hooks().values():
        yield f"- [`{called(hook)}`](#{anchor(called(hook))}): {first_line(hook)}"
    for name, hook in hooks().items():
        sections = hook_sections(hook)
        yield from ("", f"### `{called(hook)}`", "", sections.pop(""), "")
        yield from ("```text", f"{name}{signature(hook)}", "```", "")
        yield f"- **Implemented by**: {implementers(name)}."
        yield from (f"- **{heading}**: {text}" for heading, text in sections.items())


def errors_part(_: Path) -> Iterator[str]:
    """Every error class with its family and exit code."""
    lines = [
        (f"`{cls.__name__}`", f"`{cls.__mro__[1].__name__}`", str(cls.exit_code), first_line(cls))
        for cls in error_classes()
    ]
    yield from table(("class", "family", "exit code", "meaning"), lines)


def commands(
    command: click.Command = virtmig, name: str = "virtmig", parent: click.Context | None = None
) -> Iterator[tuple[str, click.Context]]:
    """The command, its subcommands and theirs: the full name of each, and its context."""
    settings: dict[str, Any] = dict(command.context_settings) if parent is None else {}
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=HELP_WIDTH, **settings
    )
    yield context.command_path, context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from commands(found, inner, context)


def cli_part(_: Path) -> Iterator[str]:
    """The help text of every command."""
    for name, context in commands():
        yield from (f"### {name}", "", "```text", context.get_help(), "```", "")


def variables_part(_: Path) -> Iterator[str]:
    """Every environment variable that virtmig reads."""
    lines = [(f"`{one.name}`", one.purpose, one.values) for one in VARIABLES]
    yield from table(("variable", "what it does", "values"), lines)


def api_part(_: Path) -> Iterator[str]:
    """Every name of `virtmig.api`."""
    yield ", ".join(api_reference.contents()) + "."
    yield ""
    yield from api_reference.markdown()


def steps_part(steps: Sequence[order.Step]) -> Iterator[str]:
    """A list of steps in three columns, one for each party."""
    lines: list[list[str]] = []
    for step in steps:
        text = f"`{step.name}`: {step.text}"
        columns = [text if step.party is party else "" for party in order.Party]
        lines.append([*columns, LOOPS[step.per], f"`{step.part}`" if step.part else ""])
    titles = [party.value for party in order.Party]
    yield from table((*titles, "repeated", "part"), lines)


def projects() -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder and the project table of every distribution of this repository."""
    for folder in (ROOT / "core", *PLUGINS, *sorted((ROOT / "examples").glob("virtio-*"))):
        yield folder, tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def distributions_part(path: Path) -> Iterator[str]:
    """Every distribution of this repository."""
    for folder, project in projects():
        place = os.path.relpath(folder / "README.md", path.parent)
        yield f"- [{project['name']}]({place}): {project['description']}"


def changelogs_part(path: Path) -> Iterator[str]:
    """The changelog of every distribution that has one."""
    for folder, project in projects():
        if (folder / "CHANGELOG.md").exists():
            place = os.path.relpath(folder / "CHANGELOG.md", path.parent)
            yield f"- [{project['name']}]({place})"


def laws_part(_: Path) -> Iterator[str]:
    """Every law of the conformance kit, and whom it is for."""
    kinds = {"D": DeviceConformance, "T": TransportConformance, "S": SectionConformance}
    laws = {kind: laws_of(cls) for kind, cls in kinds.items()}
    said = {name: text for found in laws.values() for name, text in found.items()}
    lines = [
        (f"`{name}`", " ".join(kind for kind in kinds if name in laws[kind]), text)
        for name, text in sorted(said.items())
    ]
    yield from table(("law", "of", "what it says"), lines)


PARTS: dict[str, Callable[[Path], Iterator[str]]] = {
    "records": records_part,
    "fields": fields_part,
    "facts": facts_part,
    "hooks": hooks_part,
    "errors": errors_part,
    "cli": cli_part,
    "variables": variables_part,
    "api": api_part,
    "distributions": distributions_part,
    "plugins": plugin_table.plugins_part,
    "drivers": plugin_table.drivers_part,
    "changelogs": changelogs_part,
    "devices": device_table.devices_part,
    "transports": device_table.transports_part,
    "proven": device_table.proven_part,
    "gaps": device_table.gaps_part,
    "defects": defect_table.defects_part,
    "laws": laws_part,
    "save": lambda _: steps_part(order.SAVE),
    "load": lambda _: steps_part(order.LOAD),
}
QUOTED = re.compile(r"<!-- quote: (?P<file>\S+) -->\n```(?P<kind>\w*)\n.*?```\n", re.DOTALL)


def quote(match: re.Match[str]) -> str:
    """A file of the repository, whole."""
    text = (ROOT / match["file"]).read_text()
    return f"<!-- quote: {match['file']} -->\n```{match['kind']}\n{text}```\n"


def updated(path: Path, text: str) -> str:
    """A file's text with all its generated parts as they should be."""
    parts = {name: partial(PARTS[name], path) for name in part_names(text)}
    return QUOTED.sub(quote, filled(text, parts))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if any is stale"
    )
    check: bool = parser.parse_args(argv).check
    stale = False
    for path in markdown_files():
        old = path.read_text()
        new = updated(path, old)
        if new != old:
            stale = True
            print(f"{'stale' if check else 'wrote'} {path.relative_to(ROOT)}")
            if not check:
                path.write_text(new)
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
