"""Requests of a disk that are neither reads nor writes, as QEMU writes and reads them."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.core.repairing.patients import golden, look, names, stream_of
from virtmig.hooks.registry import Registry
from virtmig.wire.record import evolve

FLUSH = golden("virtio-scsi", "x86-10.0-q35-scsi-flush-scsi-disk")
CONTROLLER = golden("virtio-scsi", "x86-10.0-q35-scsi-flush")
LAYOUT = Registry().section("scsi-disk").layout
UNMAP = bytes([0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0])
DATA = 4096


def state_of(payload: bytes) -> Any:
    return LAYOUT.parse(payload, FLUSH.version_id)


def unmap(marker: int = 1, sectors: int = 2048) -> bytes:
    """The flush, turned into an UNMAP as QEMU writes it: without its data."""
    state = state_of(FLUSH.payload())
    (request,) = state.fields.qdev.requests
    request = evolve(request, cdb=UNMAP, marker=marker, sector_count=sectors, buflen=DATA)
    qdev = evolve(state.fields.qdev, requests=(request,))
    return LAYOUT.unparse(attrs.evolve(state, fields=evolve(state.fields, qdev=qdev)), 1)


def stream(payload: bytes | None = None, machine: str = "") -> bytes:
    return stream_of(FLUSH, CONTROLLER, payload=payload, machine=machine)


def test_data_that_the_reader_expects_are_put_in() -> None:
    """As many bytes as it takes, at the place where it takes them, and nothing else."""
    old = unmap()
    seen = look(stream(old))
    assert names(seen, mended=True) == ["scsi-emulated-data"]
    (new,) = seen.payloads.values()
    (request,) = state_of(new).fields.qdev.requests
    assert request.written == bytes(DATA)
    behind = 1 + 5  # the end mark of the list, and the five flags of the medium
    assert new == old[:-behind] + bytes(DATA) + old[-behind:]
    assert not look(stream(new)).blocking
    assert not names(look(stream(new)), mended=True)


def test_a_request_of_few_sectors_takes_no_more_than_these() -> None:
    (new,) = look(stream(unmap(sectors=1))).payloads.values()
    assert len(new) == len(unmap()) + 512


def test_data_of_a_request_that_is_not_tried_again_are_nowhere() -> None:
    (blocking,) = look(stream(unmap(marker=2))).blocking
    assert "not to be tried again" in blocking.diagnosis.why_not


def test_a_flush_needs_nothing() -> None:
    assert not names(look(stream()), mended=True)
    assert not look(stream()).blocking


@pytest.mark.parametrize(("target", "machine"), [("7.2", "pc-q35-7.2"), ("10.0", "pc-q35-9.0")])
def test_a_flush_loses_its_disk_part_for_an_older_machine(target: str, machine: str) -> None:
    seen = look(stream(), target, machine)
    assert names(seen, mended=True) == ["scsi-emulated-part"]
    (new,) = seen.payloads.values()
    assert len(FLUSH.payload()) - len(new) == 8 + 4 + 4
    (request,) = state_of(new).fields.qdev.requests
    assert request.sector is None


def test_a_request_with_data_has_no_place_in_an_older_machine() -> None:
    (blocking,) = look(stream(unmap()), "7.2", "pc-q35-7.2").blocking
    assert blocking.defect.name == "scsi-emulated-part"
    assert blocking.diagnosis.found == "UNMAP in flight"
