"""Every command and every program in README and docs runs, and prints what the page quotes."""

from __future__ import annotations

import difflib
import sys
import tomllib
from importlib import metadata

import pytest

from tests.docs.pages import (
    PAGES,
    ROOT,
    RUN,
    agrees,
    blocks_of,
    furnish,
    hex_rows,
    run,
    run_console,
)
from virtmig.explaining import explain
from virtmig.hooks.registry import Registry
from virtmig.reading import Options, read_device, virtio_sections
from virtmig.stream.opening import open_stream

BLOCKS = [block for page in PAGES for block in blocks_of(page)]
OURS = {
    name
    for settings in ROOT.glob("plugins/*/pyproject.toml")
    for group in tomllib.loads(settings.read_text())["project"]["entry-points"].values()
    for name in group
}


def named(page):
    return str(page.relative_to(ROOT))


RUN_ON = list({block.page: None for block in BLOCKS if block.runs})


@pytest.fixture(autouse=True)
def only_our_drivers():
    """Quoted output names all installed drivers; others beside ours would stand in it."""
    groups = ("virtmig.devices", "virtmig.transports", "virtmig.sections")
    names = {point.name for group in groups for point in metadata.entry_points(group=group)}
    if names != OURS:
        pytest.skip(
            f"the pages quote what is printed with {sorted(OURS)}, here are {sorted(names)}"
        )


def compare(place, quoted, printed):
    """Fail with the difference unless a quotation fits."""
    if not agrees(quoted, printed):
        lines = difflib.unified_diff(quoted, printed, "the page", "the program", lineterm="")
        hint = "after a wanted change: python -m tests.docs.refresh"
        pytest.fail("\n".join([place, *lines, hint]), pytrace=False)


@pytest.mark.parametrize("page", RUN_ON, ids=named)
def test_what_a_page_shows_is_what_happens(page, tmp_path):
    folder = furnish(tmp_path)
    for block in blocks_of(page):
        if block.runs:
            check(block, folder)


def check(block, folder):
    """Run one block and compare."""
    if block.kind == "console":
        check_console(block, folder)
    elif block.kind == "sh":
        code, printed = run(["bash", "-e", "-c", block.text], folder)
        assert code == 0, f"{block.place}: {printed}"
    elif block.kind == "python":
        code, printed = run([sys.executable, "-c", block.text], folder)
        assert code == 0, f"{block.place}: {printed}"
        if block.output is not None:
            quoted, lines = block.output.text.splitlines(), printed.splitlines()
            compare(block.place, quoted, lines)


def check_console(block, folder):
    commands = run_console(block, folder)
    following = [*[command.text for command in commands[1:]], ""]
    for command, then in zip(commands, following, strict=True):
        if then != "echo $?":
            assert command.code == 0, f"{block.place}: {command.text}: {command.printed}"
        if command.quoted:
            compare(f"{block.place}: {command.text}", command.quoted, command.printed)


SKIPPED = [block for block in BLOCKS if block.skipped]


@pytest.mark.parametrize("block", SKIPPED, ids=lambda block: block.place)
def test_a_block_that_cannot_run_here_says_why(block):
    """Each is listed in the summary of the run, with its reason."""
    assert block.kind in RUN
    pytest.skip(block.skipped)


def test_most_blocks_are_run():
    """A mark that leaves a block out is the exception."""
    assert sum(block.runs for block in BLOCKS) > 2 * len(SKIPPED)


HEX = [block for block in BLOCKS if block.kind == "hex"]


@pytest.mark.parametrize("block", HEX, ids=lambda block: block.place)
def test_an_annotated_byte_is_that_byte_of_that_field(block):
    """Rows are `offset  bytes  field`; the stream has the bytes and `explain` names the field."""
    file, idstr = block.marks["section"].split()
    with open_stream(ROOT / file) as stream:
        (section,) = [one for one in virtio_sections(stream, Registry()) if one.idstr == idstr]
        payload = stream.payload(section)
        device = read_device(stream, section, Registry(), Options())
    for row in hex_rows(block):
        assert payload[row.offset :][: len(row.data)] == row.data, row.text
        owner = explain(device, payload, row.offset)
        assert (owner.path, owner.start) == (row.path, row.offset), row.text
