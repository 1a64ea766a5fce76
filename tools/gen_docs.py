"""Write the generated parts of the documentation, from the declarations of the code.

    python tools/gen_docs.py            bring every generated part up to date
    python tools/gen_docs.py --check    exit with 1 if any is stale, and name its file

A generated part stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->` in a Markdown file of
the repository; NAME is a key of `PARTS`. A code block under `<!-- quote: PATH -->` is that file,
whole. All else is written by hand. Needs virtmig and the plugins of this repository installed.
"""

from __future__ import annotations

import argparse
import inspect
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from virtmig import errors
from virtmig.cli.main import COMMANDS, virtmig
from virtmig.formats.tables import anchor, driver_markdown, record_markdown, records, table
from virtmig.hooks import hookspecs
from virtmig.hooks.bound import BoundDevice, BoundTransport
from virtmig.hooks.registry import Registry
from virtmig.virtio import order
from virtmig.virtio.common import CommonState, QueueState
from virtmig.virtio.drivers import Driver
from virtmig.virtio.element import ELEMENT_NDESCS, VirtQueueElement
from virtmig.virtio.facts import HOST_BYTEORDER, OpenFact
from virtmig.virtio.subsections import Subsections

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted((ROOT / "plugins").glob("virtio-*"))
CORE = records(CommonState, QueueState, Subsections, VirtQueueElement)
HELP_WIDTH = 80
HEADINGS = ("Called", "Given", "Return", "Not yet loaded", "QEMU")
LOOPS = {
    order.Per.ONCE: "",
    order.Per.QUEUE: "for each queue",
    order.Per.SUBSECTION: "for each one sent",
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
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    registry = Registry()
    for group, names in project["entry-points"].items():
        for name in names:
            if group == "virtmig.devices":
                yield registry.device(name).driver
            else:
                yield registry.transport("", "", name).driver


def records_part(_: Path) -> Iterator[str]:
    """All records of the core and of the plugins of this repository."""
    yield "### The virtio core"
    for cls in CORE:
        yield from record_markdown(cls)
    for folder in PLUGINS:
        for driver in drivers_of(folder):
            yield from ("", f"### {driver.name}", "", *driver_markdown(driver, elsewhere=CORE))


def fields_part(path: Path) -> Iterator[str]:
    """The records of the plugin in whose folder the file lies."""
    for driver in drivers_of(path.parent):
        yield from driver_markdown(driver)


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


def hooks() -> dict[str, Callable[..., Any]]:
    """Every hook specification, in the order of the file."""
    found = vars(hookspecs).items()
    return {name: one for name, one in found if hasattr(one, f"{hookspecs.PROJECT}_spec")}


def signature(hook: Callable[..., Any]) -> str:
    """`load_queue(transport, index, state)`: what an implementation may ask for."""
    return f"{hook.__name__}({', '.join(inspect.signature(hook).parameters)})"


def implementers(name: str) -> str:
    """Who implements a hook, and whether it must."""
    kinds = {"transport": BoundTransport, "device": BoundDevice}
    of_all = [one for one, kind in kinds.items() if name in kind.required]
    roles = of_all or [one for one, kind in kinds.items() if hasattr(kind, name)]
    return f"{' and '.join(roles)} plugins, {'required' if of_all else 'optional'}"


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
        yield f"- [`{signature(hook)}`](#{anchor(signature(hook))}): {first_line(hook)}"
    for name, hook in hooks().items():
        sections = hook_sections(hook)
        yield from ("", f"### `{signature(hook)}`", "", sections.pop(""), "")
        typed = str(inspect.signature(hook)).replace("'", "")
        yield from ("```text", f"{name}{typed}", "```", "")
        yield f"- **Implemented by**: {implementers(name)}."
        yield from (f"- **{heading}**: {text}" for heading, text in sections.items())


def error_classes() -> list[type[errors.VirtmigError]]:
    """Every class of `virtmig.errors`, in the order of the file."""
    found = [one for one in vars(errors).values() if isinstance(one, type)]
    return [one for one in found if issubclass(one, errors.VirtmigError)]


def errors_part(_: Path) -> Iterator[str]:
    """Every error class with its family and exit code."""
    lines = [
        (f"`{cls.__name__}`", f"`{cls.__mro__[1].__name__}`", str(cls.exit_code), first_line(cls))
        for cls in error_classes()
    ]
    yield from table(("class", "family", "exit code", "meaning"), lines)


def help_of(name: str) -> str:
    """The help text of a subcommand, or of the command itself."""
    settings = virtmig.context_settings
    top = click.Context(virtmig, info_name="virtmig", terminal_width=HELP_WIDTH, **settings)
    command = virtmig.get_command(top, name)
    if command is None:
        return virtmig.get_help(top)
    return command.get_help(click.Context(command, info_name=name, parent=top))


def cli_part(_: Path) -> Iterator[str]:
    """The help text of every command."""
    for name in ("", *COMMANDS):
        yield from (f"### {f'virtmig {name}'.strip()}", "", "```text", help_of(name), "```", "")


def steps_part(steps: Sequence[order.Step]) -> Iterator[str]:
    """A list of steps in three columns, one for each party."""
    lines: list[list[str]] = []
    for step in steps:
        text = f"`{step.name}`: {step.text}"
        columns = [text if step.party is party else "" for party in order.Party]
        lines.append([*columns, LOOPS[step.per], f"`{step.part}`" if step.part else ""])
    titles = [party.value for party in order.Party]
    yield from table((*titles, "repeated", "part"), lines)


PARTS: dict[str, Callable[[Path], Iterator[str]]] = {
    "records": records_part,
    "fields": fields_part,
    "facts": facts_part,
    "hooks": hooks_part,
    "errors": errors_part,
    "cli": cli_part,
    "save": lambda _: steps_part(order.SAVE),
    "load": lambda _: steps_part(order.LOAD),
}
MARKED = re.compile(r"<!-- (?P<name>\w+):begin -->\n.*?<!-- (?P=name):end -->", re.DOTALL)
QUOTED = re.compile(r"<!-- quote: (?P<file>\S+) -->\n```(?P<kind>\w*)\n.*?```\n", re.DOTALL)


def quote(match: re.Match[str]) -> str:
    """A file of the repository, whole."""
    text = (ROOT / match["file"]).read_text()
    return f"<!-- quote: {match['file']} -->\n```{match['kind']}\n{text}```\n"


def updated(path: Path, text: str) -> str:
    """A file's text with all its generated parts as they should be."""

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        lines = "\n".join(PARTS[name](path)).strip()
        return f"<!-- {name}:begin -->\n\n{lines}\n\n<!-- {name}:end -->"

    return QUOTED.sub(quote, MARKED.sub(part, text))


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
