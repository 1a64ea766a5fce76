"""A golden of bytes that are one section and no more: what is in them is told, and tried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from virtmig.cli import common
from virtmig.errors import DecodeError, VirtmigError, told
from virtmig.hooks.registry import Registry
from virtmig.scaffold import Refused
from virtmig.stream.head import MAGIC
from virtmig.stream.records import read_header
from virtmig.stream.sections import SectionKind
from virtmig.testing.goldens import BIGGEST, MANIFEST, Golden, add_payload


def check_told(section: str, idstr: str, version: int | None) -> None:
    """Refuse a payload of which it is not told what its header would have said."""
    if section:
        raise Refused(f"a payload has no sections to choose from; write --idstr {section}")
    if not idstr or version is None:
        raise Refused(
            "a payload does not say what it is: write --idstr PATH/NAME, as a header has it, and "
            "--version NUMBER, its version_id"
        )


def add(folder: Path, file: Path, idstr: str, version: int, about: dict[str, Any]) -> Golden:
    """Keep the bytes of a file as a golden."""
    if file.stat().st_size > BIGGEST:
        raise Refused(f"{file} is larger than any section: it has {file.stat().st_size:,} bytes")
    payload = file.read_bytes()
    _check(file, payload)
    golden = add_payload(folder, payload, idstr, version, **about)
    if (golden.idstr, golden.version_id) != (idstr, version):
        text = f"it is there already, as {golden.idstr}, version {golden.version_id}"
        common.warn(f"{text}: to change that, edit {folder / MANIFEST}")
    _try(golden, payload)
    return golden


def _check(file: Path, payload: bytes) -> None:
    """Refuse what is more than a payload, or less."""
    if not payload:
        raise Refused(f"{file} is empty; a device without fields of its own needs no golden")
    if payload.startswith(MAGIC):
        raise Refused(f"{file} is a stream: leave --payload out, and name the section in it")
    if payload[0] != SectionKind.FULL:
        return
    try:
        header = read_header(payload, 0)
    except VirtmigError:
        return
    if header.idstr.isprintable() and "virtio" in header.idstr:
        text = f"{file} begins with the header of {header.idstr}, version {header.version_id}"
        raise Refused(f"{text}: cut off its {header.start} bytes, and the footer if there is one")


def _try(golden: Golden, payload: bytes) -> None:
    """Say at once if the drivers that are installed cannot read it; pytest will say more."""
    registry = Registry()
    name = golden.idstr.rpartition("/")[2]
    try:
        if name in registry.section_names:
            registry.section(name).layout.parse(payload, golden.version_id)
        else:
            drivers = registry.drivers(golden.idstr, golden.machine)
            drivers.envelope.parse(payload, golden.version_id)
    except DecodeError as error:
        text = str(error.in_section(golden.idstr))
        common.warn(f"{text}: the declaration is not right yet, or the file is not a whole section")
    except VirtmigError as error:
        common.warn(f"it was not tried: {error}")
    except Exception as error:  # noqa: BLE001  out of the plugin's own code
        common.warn(f"it could not be read: {told(error)}")
