"""The reference is complete, exact and fresh."""

from __future__ import annotations

import inspect
import re

import click
import pytest

from tests.docs.pages import PAGES, ROOT
from tools import gen_docs
from virtmig import errors
from virtmig.cli.main import COMMANDS, virtmig
from virtmig.formats.tables import name_of, records, rows
from virtmig.hooks import hookspecs
from virtmig.virtio import order

REFERENCE = ROOT / "docs" / "reference"
HOOKS = {
    name: one for name, one in vars(hookspecs).items() if hasattr(one, f"{hookspecs.PROJECT}_spec")
}
ERRORS = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, errors.VirtmigError)
]


def page(name):
    return (REFERENCE / name).read_text()


def section(text, heading):
    """Cut out what stands under a heading, up to the next of the same level."""
    level = heading.partition(" ")[0]
    start = text.index(f"{heading}\n") + len(heading)
    return text[start:].partition(f"\n{level} ")[0]


def test_no_generated_part_is_stale(capsys):
    """After a change of a declaration: `python tools/gen_docs.py`."""
    assert gen_docs.main(["--check"]) == 0, capsys.readouterr().out


def test_there_are_hooks():
    assert {"save_config", "save_queue", "save_device", "load_device"} <= set(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_an_entry_with_its_exact_signature(name):
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    assert f"\n### `{name}({arguments})`\n" in page("hooks.md")


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_answers_the_five_questions(name):
    """A fixed heading is a checklist that nobody can skip."""
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    entry = section(page("hooks.md"), f"### `{name}({arguments})`")
    for heading in ("Called", "Given", "Return", "Not yet loaded", "QEMU"):
        assert re.search(rf"^- \*\*{heading}\*\*: \S", entry, re.MULTILINE), heading


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_an_error_class_is_listed_with_its_family_and_exit_code(cls):
    row = rf"^\| `{cls.__name__}` \| `{cls.__bases__[0].__name__}` \| {cls.exit_code} \| \S.*\|$"
    assert re.search(row, page("errors.md"), re.MULTILINE)


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_the_guide_to_errors_knows_every_family(cls):
    """Those that derive from the base directly are what a reader looks up first."""
    if cls.__bases__ == (errors.VirtmigError,):
        text = (ROOT / "docs" / "explanation" / "errors-and-exit-codes.md").read_text()
        assert f"`{cls.__name__}`" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_of_a_command_is_documented(name):
    text = section(page("cli.md"), f"### virtmig {name}")
    command = virtmig.get_command(click.Context(virtmig), name)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert all(option in text for option in parameter.opts)
            assert parameter.help, f"{parameter.name} has no help"
        else:
            assert parameter.name.upper() in text


@pytest.mark.parametrize("cls", gen_docs.CORE, ids=lambda cls: cls.__name__)
def test_a_core_record_is_listed_with_all_its_fields(cls):
    assert_listed(cls, page("records.md"), "####")


@pytest.mark.parametrize("folder", gen_docs.PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_lists_all_its_fields_in_its_readme_too(folder):
    """Whoever finds the plugin on a package index finds what it decodes."""
    for driver in gen_docs.drivers_of(folder):
        roots = [getattr(driver, role, None) for role in ("state", "config", "queue", "extra")]
        for cls in records(*[root for root in roots if root is not None]):
            assert_listed(cls, (folder / "README.md").read_text(), "####")
            assert_listed(cls, page("records.md"), "####")


def assert_listed(cls, text, level):
    entry = section(text, f"{level} {name_of(cls)}")
    for row in rows(cls):
        assert re.search(rf"^\| `{row.name}` \|.*\| \S.*\|$", entry, re.MULTILINE), row.name


@pytest.mark.parametrize("folder", gen_docs.PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_says_what_it_does_not_decode(folder):
    text = (folder / "README.md").read_text()
    assert "## Known not to decode\n" in text


@pytest.mark.parametrize(("heading", "steps"), [("Save", order.SAVE), ("Load", order.LOAD)])
def test_the_drawn_procedure_is_the_one_that_is_walked(heading, steps):
    """Read the drawing back: party by column, loop and part by cell, order by row."""
    lines = section(page("procedure.md"), f"## {heading}").splitlines()
    drawn = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    titles, _, *drawn_steps = [[cell.strip() for cell in line] for line in drawn]
    assert titles[:3] == [party.value for party in order.Party]
    found = [read_step(titles, line) for line in drawn_steps]
    assert found == [(one.name, one.text, one.party.value, one.per, one.part) for one in steps]


def read_step(titles, line):
    (column,) = [number for number in range(3) if line[number]]
    name, _, text = line[column].partition(": ")
    loops = {
        "": order.Per.ONCE,
        "for each queue": order.Per.QUEUE,
        "for each one sent": order.Per.SUBSECTION,
    }
    return name.strip("`"), text, titles[column], loops[line[3]], line[4].strip("`")


def test_every_open_fact_is_explained():
    text = (ROOT / "docs" / "explanation" / "facts.md").read_text()
    for fact in ("multiqueue", "pci_config_size", "element_ndescs", "host_byteorder"):
        assert re.search(rf"^\| `{fact}` \|", text, re.MULTILINE)


def test_pages_exist():
    assert all(path.is_file() for path in PAGES)
