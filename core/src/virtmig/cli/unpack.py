"""`virtmig unpack FILE.cbor`: back to the bytes that were packed."""

from __future__ import annotations

import re
from pathlib import Path

import click

from virtmig.cli import common
from virtmig.errors import BadContainer, StreamError
from virtmig.formats import cbor
from virtmig.hooks.registry import Registry
from virtmig.stream.editing import Edits
from virtmig.stream.sections import Section


@click.command("unpack")
@common.plain_file_argument
@click.option("-o", "--output", required=True, type=common.OutputPath(), help="Folder, or stream.")
@click.option(
    "--into",
    type=click.Path(dir_okay=False),
    help="Stream whose devices are replaced; OUTPUT is then a complete stream.",
)
@common.as_json
def command(file: str, output: str, into: str | None, *, as_json: bool) -> None:
    """Turn the devices of a CBOR file back into section payloads.

    Without --into, OUTPUT is a folder and gets one file for each section's payload.
    """
    try:
        container = cbor.read(file, Registry())
    except StreamError as error:
        raise error.in_section(file) from error.__cause__
    if into is None:
        written = _write_folder(Path(output), container)
    else:
        _write_stream(into, output, container)
        written = [output]
    if as_json:
        common.print_json({"provenance": dict(container.provenance), "written": written})
    else:
        for name in written:
            common.say(f"wrote {name}")


def _write_folder(folder: Path, container: cbor.Container) -> list[str]:
    folder.mkdir(exist_ok=True)
    written: list[str] = []
    for number, device in enumerate(container.devices):
        name = re.sub(r"[^\w.-]+", "_", device.idstr).strip("_.")
        path = folder / f"{number:03}-{name}.bin"
        cbor.write(path, device.payload)
        written.append(str(path))
    return written


def _write_stream(into: str, output: str, container: cbor.Container) -> None:
    with common.opened(into) as stream:
        targets = {(one.idstr, one.instance_id, one.version_id): one for one in stream.sections}
        payloads: dict[Section, bytes] = {}
        for device in container.devices:
            key = (device.idstr, device.instance_id, device.version_id)
            if key not in targets:
                raise BadContainer(f"{into} has no such section", section=device.idstr)
            payloads[targets[key]] = device.payload
        stream.write(output, Edits(payloads=payloads))
