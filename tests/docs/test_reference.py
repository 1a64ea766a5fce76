"""The reference is complete, exact and fresh."""

from __future__ import annotations

import ast
import inspect
import re

import click
import pytest

from tests.docs.pages import PAGES, ROOT
from tools import api_surface, gen_docs
from virtmig import api, errors
from virtmig.formats.tables import name_of, records, rows
from virtmig.virtio import order

REFERENCE = ROOT / "docs" / "reference"
HOOKS = api_surface.hooks()
ERRORS = api_surface.error_classes()


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
    """Letter by letter, types too; what its line in the source says, read by a parser."""
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    entry = section(page("hooks.md"), f"### `{name}({arguments})`")
    source = ast.parse(inspect.getsource(HOOKS[name])).body[0]
    exact = f"{name}({ast.unparse(source.args)}) -> {ast.unparse(source.returns)}"
    assert f"\n```text\n{exact}\n```\n" in entry


def test_integers_are_told_apart():
    """By sign, width, byte order and range: nothing else is different in them."""
    text = section(page("api.md"), "## Wire types")
    kinds = [line.split(" | ") for line in text.splitlines() if "| `Int` |" in line]
    assert len({kind[-1] for kind in kinds}) == len(kinds) > 8
    assert (
        "| `sbe32` | `Int` | `sbe32` | 0.1.0 | signed, 32 bits, big-endian: -0x80000000 to" in text
    )
    assert (
        "| `le16` | `Int` | `le16` | 0.1.0 | unsigned, 16 bits, little-endian: 0 to 0xffff" in text
    )
    assert "native64` | 0.1.0 | unsigned, 64 bits, in the host's byte order: 0 to" in text


def named_for_hooks():
    """The tests that are named for a hook, by its name; each with what it asserts."""
    text = (ROOT / "tests" / "core" / "hooks" / "test_each_hook.py").read_text()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_hook_"):
            asserted = [one for one in ast.walk(node) if isinstance(one, ast.Assert | ast.With)]
            strings = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
            yield node.name.removeprefix("test_hook_"), node.decorator_list, asserted, strings


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_test_that_is_named_for_it(name):
    """One that is run, asserts something, and says the hook's name in doing so."""
    found = [one for one in named_for_hooks() if one[0] == name]
    assert len(found) == 1, f"write test_hook_{name}"
    _, decorators, asserted, strings = found[0]
    assert not decorators
    assert asserted
    assert name in strings


def test_no_test_is_named_for_a_hook_that_is_gone():
    assert {name for name, *_ in named_for_hooks()} == set(HOOKS)


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


COMMANDS = dict(gen_docs.commands())


def test_the_commands_are_those_that_the_program_has():
    """Subcommands of subcommands too."""
    assert {"virtmig", "virtmig inspect", "virtmig plugins list"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_of_a_command_is_documented(name):
    text = section(page("cli.md"), f"### {name}")
    context = COMMANDS[name]
    for parameter in context.command.get_params(context):
        if isinstance(parameter, click.Option):
            assert all(option in text for option in (*parameter.opts, *parameter.secondary_opts))
            assert parameter.help, f"{parameter.name} has no help"
        else:
            assert parameter.make_metavar(context).strip("[].") in text


@pytest.mark.parametrize("name", api.__all__)
def test_a_name_of_the_api_is_documented(name):
    """With its kind, its exact signature, what it means, and since when."""
    entries = [one for one in api_surface.surface() if one.name == name]
    entry = next(one for one in entries if one.kind == api_surface.kind_of(getattr(api, name)))
    text = page("api.md")
    if entry.kind == "wire type":
        row = rf"^\| `{name}` \| `\w+` \| `.+` \| \d+\.\d+\.\d+ \| \S.*\|$"
        assert re.search(row, text, re.MULTILINE)
        return
    found = section(text, f"### `{name}`")
    assert re.search(
        rf"^{entry.kind.capitalize()}, since \d+\.\d+\.\d+\.\n\n[`\w]", found, re.MULTILINE
    )
    for one in entries:
        if one.kind == entry.kind:
            assert f"\n{one.name}{one.text}\n" in found


def test_every_environment_variable_is_documented():
    """Whatever the sources, the tests and the tools read; the name is looked for as text."""
    files = [path for name in ("core/src", "plugins", "examples", "tests", "tools")
             for path in (ROOT / name).rglob("*.py")]  # fmt: skip
    files += [ROOT / ".ci" / "run", ROOT / "tox.ini"]
    names = {
        name for path in files for name in re.findall(r"VIRTMIG_[A-Z_]*[A-Z]", path.read_text())
    }
    assert {"VIRTMIG_LOAD_PLUGINS", "VIRTMIG_LAB"} <= names
    text = page("environment.md")
    missing = [
        name for name in sorted(names) if not re.search(rf"^\| `{name}` \| \S", text, re.MULTILINE)
    ]
    assert not missing
    gone = set(re.findall(r"VIRTMIG_[A-Z_]*[A-Z]", text)) - names
    assert not gone


@pytest.mark.parametrize("cls", gen_docs.CORE, ids=lambda cls: cls.__name__)
def test_a_core_record_is_listed_with_all_its_fields(cls):
    assert_listed(cls, page("records.md"), "####")


@pytest.mark.parametrize("folder", gen_docs.PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_lists_all_its_fields_in_its_readme_too(folder):
    """Whoever finds the plugin on a package index finds what it decodes."""
    for driver in gen_docs.drivers_of(folder):
        roles = ("state", "outer", "config", "queue", "extra")
        roots = [getattr(driver, role, None) for role in roles]
        for cls in records(*[root for root in roots if root is not None]):
            assert_listed(cls, (folder / "README.md").read_text(), "###")
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
        "if it has fields of its own": order.Per.OUTER,
    }
    return name.strip("`"), text, titles[column], loops[line[3]], line[4].strip("`")


def test_every_open_fact_is_explained():
    text = (ROOT / "docs" / "explanation" / "facts.md").read_text()
    facts = {fact.name for one in gen_docs.PLUGINS for driver in gen_docs.drivers_of(one)
             for fact in driver.facts}  # fmt: skip
    for fact in facts | {"multiqueue", "element_ndescs", "host_byteorder"}:
        assert re.search(rf"^\| `{fact}` \|", text, re.MULTILINE)


def test_pages_exist():
    assert all(path.is_file() for path in PAGES)
