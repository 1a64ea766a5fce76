"""The container: devices go in and come out as the same bytes, and a file has one form only."""

from __future__ import annotations

import hashlib
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import cbor2
import pytest

from tests.core.formats.boxes import (
    SAMPLES,
    SMALL_IDSTR,
    SMALL_PAYLOAD,
    opened,
    pack,
    sample,
    sealed,
    section,
    small,
    toasters,
)
from tests.core.material import OURS, REGISTRY, drivers_of, state_of
from tests.golden import Golden
from virtmig.errors import BadContainer, NoDriver
from virtmig.formats import cbor
from virtmig.hooks.registry import Registry
from virtmig.reading import Decoded, virtio_sections
from virtmig.stream.opening import open_stream

# The whole container of one small device. It may change only together with SCHEMA: files that
# people keep have to be readable by later versions.
GOLDEN_HEX = (
    "a566666f726d61746f766972746d69672d6465766963657366736368656d6101667368613235365820c8b5ba3a99"
    "34fa83e0fed441d7ff992d2c5f5fa97e34289edbaaa0b552b4cb36676465766963657381a9656661637473806569"
    "64737472726275732f76697274696f2d746f6173746572657374617465a566636f6d6d6f6ea7626e710063697372"
    "0166636f6e66696742aabb667374617475730f6971756575655f73656c076a636f6e6669675f6c656e0271677565"
    "73745f66656174757265735f6c6f0366636f6e666967a16576616c756519010266646576696365a16576616c7565"
    "19030466717565756573806b73756273656374696f6e73a0666465766963656e76697274696f2d746f6173746572"
    "6764726976657273826661207465737466612074657374697472616e73706f72746a76697274696f2d6275736a76"
    "657273696f6e5f6964016b696e7374616e63655f6964006e7061796c6f61645f736861323536582064783fe8f3c7"
    "343f1043c03982bdf624eb657b1179e49a6bf46ca6769e6eb32e6a70726f76656e616e6365a46466696c656b746f"
    "61737465722e6d6967676d616368696e656b746f61737465722d312e30697061636b65645f627969766972746d69"
    "67203069706167655f73697a65191000"
)


@pytest.fixture
def registry() -> Registry:
    return toasters()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_devices_of_a_stream_come_back_as_the_same_bytes(path: Path) -> None:
    with open_stream(path) as stream:
        expected = [
            (one.idstr, one.version_id, stream.payload(one))
            for one in virtio_sections(stream, Registry())
        ]
    found = cbor.unpack(sample(path, REGISTRY), REGISTRY)
    assert [(one.idstr, one.version_id, one.payload) for one in found.devices] == expected
    assert len(expected) == 3


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_device_without_a_driver_is_kept_as_bytes(path: Path) -> None:
    found = {
        one.idstr.split("/")[-1]: one
        for one in cbor.unpack(sample(path, REGISTRY), REGISTRY).devices
    }
    assert {name: one.decoded for name, one in found.items() if name != "virtio-rng"} == {
        "virtio-blk": True,
        "virtio-net": True,
    }
    bare = opened(sample(path, REGISTRY))["devices"]
    kept = next(one for one in bare if one["idstr"].endswith("virtio-rng"))
    if "state" not in kept:
        assert "virtmig-rng" in kept["reason"]
        assert found["virtio-rng"].decoded is False


@pytest.mark.parametrize("golden", OURS, ids=str)
def test_every_golden_comes_back_as_the_same_bytes(golden: Golden) -> None:
    place = section(golden.idstr, golden.version_id, len(golden.payload))
    device = Decoded(place, drivers_of(golden), state_of(golden), "little")
    found = cbor.unpack(pack([device], {place: golden.payload}), REGISTRY)
    assert found.devices[0].payload == golden.payload
    assert found.devices[0].decoded


def test_a_container_says_where_it_came_from(registry: Registry) -> None:
    provenance = cbor.unpack(small(registry), registry).provenance
    assert provenance["file"] == "toaster.mig"
    assert provenance["machine"] == "toaster-1.0"
    assert provenance["page_size"] == 4096
    assert provenance["packed_by"].startswith("virtmig ")


def test_state_is_kept_as_fields_and_facts_with_their_reason() -> None:
    golden = next(one for one in OURS if one.device == "virtio-net" and one.arch == "x86")
    place = section(golden.idstr, golden.version_id, len(golden.payload))
    device = Decoded(place, drivers_of(golden), state_of(golden), "little")
    entry = opened(pack([device], {place: golden.payload}))["devices"][0]
    assert set(entry["state"]) == {"config", "common", "queues", "device", "subsections"}
    assert entry["state"]["device"]["mac"] == bytes.fromhex("525400123456")
    assert ["pci_config_size", 256, "derived"] in entry["facts"]
    assert entry["payload_sha256"] == hashlib.sha256(golden.payload).digest()


def test_the_form_of_a_container_does_not_change(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cbor, "__version__", "0")
    assert small(registry).hex() == GOLDEN_HEX


def test_a_container_of_the_first_schema_is_read(registry: Registry) -> None:
    found = cbor.unpack(bytes.fromhex(GOLDEN_HEX), registry)
    assert [(one.idstr, one.version_id, one.payload) for one in found.devices] == [
        (SMALL_IDSTR, 1, SMALL_PAYLOAD)
    ]


def test_a_container_is_canonical(registry: Registry) -> None:
    """Shortest forms, sorted keys, definite lengths: the same devices make the same file."""
    data = small(registry)
    assert data == small(registry)
    assert cbor2.dumps(cbor2.loads(data), canonical=True) == data


def long_int(data: bytes) -> bytes:
    """The page size, 4096, in four bytes instead of two."""
    assert data.count(b"\x19\x10\x00") == 1
    return data.replace(b"\x19\x10\x00", b"\x1a\x00\x00\x10\x00")


def doubled_key(data: bytes) -> bytes:
    assert data[0] == 0xA5
    return b"\xa6" + data[1:] + b"\x66schema\x01"


def indefinite(data: bytes) -> bytes:
    return b"\xbf" + data[1:] + b"\xff"


def unsorted(data: bytes) -> bytes:
    body = cbor2.loads(data)
    return cbor2.dumps(dict(sorted(body.items(), reverse=True)))


FORMS = {
    "a long number": long_int,
    "a doubled key": doubled_key,
    "an indefinite length": indefinite,
    "unsorted keys": unsorted,
    "a byte behind it": lambda data: data + b"\0",
    "another container behind it": lambda data: data + data,
    "a byte less": lambda data: data[:-1],
    "a tag in front": lambda data: b"\xd9\xd9\xf7" + data,
}


@pytest.mark.parametrize("change", FORMS.values(), ids=FORMS)
def test_a_file_has_one_form_only(registry: Registry, change: Any) -> None:
    """What is read must be what would be written, or a checksum says little."""
    with pytest.raises(BadContainer):
        cbor.unpack(change(small(registry)), registry)


NONSENSE = {
    "nothing": b"",
    "a number": b"\x05",
    "a list": b"\x81\x05",
    "an empty map": b"\xa0",
    "text": b"hello, world\n",
    "a stream": b"QEVM\0\0\0\3" + bytes(100),
    "zeros": bytes(100),
    "deep lists": b"\x81" * 5000 + b"\x00",
    "deep maps": b"\xa1\x00" * 5000 + b"\x00",
    "deep tags": b"\xc6" * 5000 + b"\x00",
    "a map of a number": b"\xa1\x01\x02",
    "a huge string": b"\x5b" + struct.pack(">Q", 1 << 60),
    "a huge text": b"\x7b" + struct.pack(">Q", 1 << 40) + b"x",
    "a huge list": b"\x9b" + struct.pack(">Q", 1 << 60),
    "a huge map": b"\xbb" + struct.pack(">Q", 1 << 60),
    "a cycle": b"\xd8\x1c\x81\xd8\x1d\x00",
    "a shared value": b"\x82\xd8\x1c\x80\xd8\x1d\x00",
    "a decimal with a huge exponent": b"\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01",
    "a regular expression": b"\xd8\x23\x61(",
    "a date": b"\xc0\x61x",
    "bad utf-8": b"\x61\xff",
    "undefined": b"\xf7",
    "a float that is none": b"\xfb\x7f\xf8\x00\x00\x00\x00\x00\x01",
    "a list as a key": b"\xa1\x80\x01",
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_what_is_no_container_is_one_error_and_costs_nothing(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(BadContainer) as caught:
        cbor.unpack(data, Registry())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert peak < 16 << 20


def test_a_file_of_another_kind_or_schema_says_which(registry: Registry) -> None:
    body = opened(small(registry))
    with pytest.raises(BadContainer, match="virtmig-devices"):
        cbor.unpack(sealed({**body, "format": "something else"}), registry)
    for schema in (0, 2, "1", None, 1 << 20_000, [1]):
        with pytest.raises(BadContainer, match="schema 1"):
            cbor.unpack(sealed({**body, "schema": schema}), registry)


def test_a_damaged_file_says_that_it_is_damaged(registry: Registry) -> None:
    body = cbor2.loads(small(registry))
    body["devices"][0]["state"]["device"]["value"] += 1
    with pytest.raises(BadContainer, match="damaged"):
        cbor.unpack(cbor2.dumps(body, canonical=True), registry)


def test_a_state_that_gives_other_bytes_is_refused(registry: Registry) -> None:
    """As when an installed driver has another idea of the layout than the one that packed."""
    body = opened(small(registry))
    body["devices"][0]["state"]["device"]["value"] += 1
    with pytest.raises(BadContainer, match="other bytes") as caught:
        cbor.unpack(sealed(body), registry)
    assert caught.value.where.section == SMALL_IDSTR


def test_a_device_whose_driver_is_gone_says_what_to_install(registry: Registry) -> None:
    with pytest.raises(NoDriver) as caught:
        cbor.unpack(small(registry), Registry())
    assert caught.value.where.section == SMALL_IDSTR


def test_a_file_is_written_whole_and_read_back(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "devices.cbor"
    cbor.write(path, small(registry))
    assert path.read_bytes() == small(registry)
    assert cbor.read(path, registry).devices[0].payload == SMALL_PAYLOAD
    assert [one.name for one in tmp_path.iterdir()] == ["devices.cbor"]


def test_a_file_above_the_limit_is_not_read(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "devices.cbor"
    path.write_bytes(small(registry))
    monkeypatch.setattr(cbor, "MAX_SIZE", 100)
    with pytest.raises(BadContainer, match="100"):
        cbor.read(path, registry)


def test_only_a_plain_file_is_read(registry: Registry) -> None:
    """A device or a pipe has no size, and may have no end."""
    with pytest.raises((BadContainer, OSError)):
        cbor.read(os.devnull, registry)
    with pytest.raises((BadContainer, OSError)):
        cbor.read("/dev", registry)


def test_a_name_that_is_no_text_can_be_packed(registry: Registry) -> None:
    """File names are bytes; Python gives those that are no UTF-8 as lone surrogates."""
    drivers = registry.drivers(SMALL_IDSTR, "")
    place = section(SMALL_IDSTR, 1, len(SMALL_PAYLOAD))
    device = Decoded(place, drivers, drivers.envelope.parse(SMALL_PAYLOAD, 1), "little")
    data = pack([device], {place: SMALL_PAYLOAD}, name="\udcff.mig")
    assert cbor.unpack(data, registry).devices[0].payload == SMALL_PAYLOAD
