"""`virtmig explain FILE SECTION --at OFFSET`: which field owns this byte."""

from __future__ import annotations

import attrs
import click

from virtmig.cli import common
from virtmig.explaining import explain
from virtmig.hooks.registry import Registry
from virtmig.reading import Options, Undecoded, check_facts, read_device, virtio_sections
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section


class Offset(click.ParamType[int]):
    """A decimal, hexadecimal (0x1f3) or octal number."""

    name = "offset"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return int(value, 0)
        except ValueError:
            self.fail(f"{value!r} is no number", param, ctx)


@click.command("explain")
@common.file_argument
@click.argument("section")
@click.option(
    "--at",
    "offset",
    required=True,
    type=Offset(),
    help="Offset in the section's payload, decimal or 0x...",
)
@common.as_json
@common.reading_options
def command(
    file: str,
    section: str,
    *,
    offset: int,
    as_json: bool,
    given: Options,
) -> None:
    """Say which field owns the byte at OFFSET of a section of FILE, and what it means.

    SECTION is an idstr, or the end of one that is the only such: `virtio-net`.
    """
    with common.opened(file) as stream:
        registry = Registry()
        target = _find(stream, section, registry)
        device = read_device(stream, target, registry, given)
        check_facts(given, [device])
        if isinstance(device, Undecoded):
            raise device.error
        payload = stream.payload(target)
        if not 0 <= offset < len(payload):
            raise click.BadParameter(f"{target.idstr} has bytes 0 to {len(payload) - 1:#x}")
        owner = explain(device, payload, offset)
    if as_json:
        common.print_json({"section": target.idstr, "at": offset, **attrs.asdict(owner)})
        return
    common.say(f"{target.idstr}:{owner.path}@{owner.start:#x}")
    rows = {
        "byte": f"{offset - owner.start} of the field, value {payload[offset]:#04x}",
        "type": owner.type,
        "present": owner.when,
        "meaning": owner.doc,
        "declared": owner.record,
        "in file": f"{target.start + offset:#x}",
    }
    for name, text in rows.items():
        if text:
            common.say(f"  {name:<10}{text}")


def _find(stream: Stream, wanted: str, registry: Registry) -> Section:
    sections = list(virtio_sections(stream, registry))
    idstrs = [one.idstr for one in sections]
    return sections[idstrs.index(common.one_idstr(idstrs, wanted))]
