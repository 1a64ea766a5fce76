"""`virtmig pack FILE -o OUT.cbor`: the device set as one typed file."""

from __future__ import annotations

from pathlib import Path

import click

from virtmig.cli import common
from virtmig.formats import cbor
from virtmig.hooks.registry import Registry
from virtmig.reading import Options, Undecoded, read_devices


@click.command("pack")
@common.file_argument
@click.option("-o", "--output", required=True, type=common.output_file, help="CBOR file.")
@common.as_json
@common.reading_options
def command(file: str, output: str, *, as_json: bool, given: Options) -> int:
    """Write every virtio device of FILE into one CBOR file, with its provenance.

    Devices without a driver go in as the bytes that they are.
    """
    registry = Registry()
    with common.opened(file) as stream:
        stream.refuse_own(output, ["RAM"])
        devices = read_devices(stream, registry, given)
        code = common.exit_code(devices, given)
        data = cbor.pack(stream, Path(file).name, devices)
    cbor.write(output, data)
    typed = sum(not isinstance(device, Undecoded) for device in devices)
    if as_json:
        counts = {"devices": len(devices), "typed": typed, "bytes": len(data)}
        common.print_json({"file": file, "output": output, **counts})
    else:
        common.say(f"wrote {output}: {len(devices)} devices, {typed} typed, {len(data)} bytes")
    common.report_errors(registry.broken)
    return code
