"""What a page says that is printed of a real section is printed of it.

A `text` block under `<!-- golden: FOLDER NAME -->` is an excerpt of what `inspect` says of a golden
of the plugin in that folder.
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.docs.pages import DOTS, PAGES, ROOT, agrees, blocks_of
from virtmig.formats.report import device_lines
from virtmig.formats.view import device_view
from virtmig.hooks.registry import Registry
from virtmig.reading import Attached, Decoded, target_endian
from virtmig.stream.sections import Section, SectionKind
from virtmig.testing import read_goldens

EXCERPTS = [block for page in PAGES for block in blocks_of(page) if "golden" in block.marks]


def found(golden):
    """Decode a golden as if it had been found in a stream."""
    payload, registry = golden.payload(), Registry()
    section = Section(
        kind=SectionKind.FULL,
        section_id=0,
        idstr=golden.idstr,
        instance_id=golden.instance_id,
        version_id=golden.version_id,
        header=0,
        start=0,
        end=len(payload),
        footer=True,
    )
    name = golden.idstr.rpartition("/")[2]
    if name in registry.section_names:
        bound = registry.section(name)
        return Attached(section, bound, bound.layout.parse(payload, golden.version_id, {}))
    drivers = registry.drivers(golden.idstr, golden.machine)
    state = drivers.envelope.parse(payload, golden.version_id, {})
    return Decoded(section, drivers, state, target_endian(golden.machine, golden.idstr))


@cache
def report(folder, name):
    """Print the golden of this name; one stream may have given the plugin several."""
    goldens = read_goldens(ROOT / folder / "tests" / "goldens")
    (golden,) = [one for one in goldens if one.name == name]
    return list(device_lines(device_view(found(golden), None)))


def test_there_are_excerpts():
    assert len(EXCERPTS) > 2


@pytest.mark.parametrize("block", EXCERPTS, ids=lambda block: block.place)
def test_an_excerpt_is_what_is_printed_of_that_golden(block):
    printed = report(*block.marks["golden"].split())
    assert agrees([DOTS, *block.text.splitlines(), DOTS], printed), "\n".join(printed)
