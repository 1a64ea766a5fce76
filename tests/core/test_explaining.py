"""Which field owns a byte: the answer of `explain` against what changes when the byte does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.formats.boxes import section
from tests.core.material import OURS, drivers_of, envelope_of, facts_of, layout_kinds, state_of
from tests.core.virtio.boundaries import CORE, INSIDE, device_start, header, proxy_size
from tests.golden import Golden
from virtmig.errors import DecodeError
from virtmig.explaining import Owner, explain
from virtmig.formats import tree
from virtmig.reading import Decoded, target_endian

NAMES = (*CORE, *INSIDE, "s390_subch_dev/orb", "s390_adapter_info/summary_offset")
SMALL = [golden for golden in layout_kinds() if len(golden.payload) < 1500]
STRIDE = 1009


def decoded(golden: Golden) -> Decoded:
    place = section(golden.idstr, golden.version_id, len(golden.payload))
    endian = target_endian(golden.machine, golden.idstr)
    return Decoded(place, drivers_of(golden), state_of(golden), endian)


def owner(golden: Golden, offset: int) -> Owner:
    return explain(decoded(golden), golden.payload, offset)


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Paths of what differs between two trees."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from differences(one.get(key), other.get(key), f"{path}.{key}".strip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, yours) in enumerate(zip(one, other, strict=True)):
            yield from differences(mine, yours, f"{path}[{index}]")
    elif one != other:
        yield path


def changed_by(golden: Golden, offset: int) -> list[str] | None:
    """Paths of what changes in the state if a byte does; None if that makes it unreadable."""
    envelope = envelope_of(golden)
    payload = bytearray(golden.payload)
    payload[offset] ^= 1
    try:
        state = envelope.parse(bytes(payload), golden.version_id, facts_of(golden))
    except DecodeError:
        return None
    before = tree.from_state(state_of(golden), envelope, text=True)
    return list(differences(before, tree.from_state(state, envelope, text=True)))


def check(golden: Golden, offset: int) -> bool:
    """Whether the byte could be changed; if so, only what its owner says must have changed."""
    found = owner(golden, offset)
    assert found.start <= offset
    assert found.doc
    assert found.type
    paths = changed_by(golden, offset)
    if not paths:
        return False
    if found.type != "subsection header":
        for path in paths:
            assert path.startswith(found.path) or found.path.startswith(path), (offset, found, path)
    return True


@pytest.mark.parametrize("golden", SMALL, ids=str)
def test_every_byte_belongs_to_the_field_that_changes_with_it(golden: Golden) -> None:
    """The decoder is asked in another way: not where it misses a byte, but what it makes of one."""
    checked = sum(check(golden, offset) for offset in range(len(golden.payload)))
    assert checked > len(golden.payload) // 3


@pytest.mark.parametrize("golden", layout_kinds(), ids=str)
def test_bytes_of_large_sections_belong_to_the_field_that_changes_with_them(golden: Golden) -> None:
    for offset in range(7, len(golden.payload), STRIDE):
        check(golden, offset)


@pytest.mark.parametrize("golden", SMALL, ids=str)
def test_fields_lie_one_behind_the_other(golden: Golden) -> None:
    """Each owner starts where it is first met, and never again."""
    last: Owner | None = None
    starts: list[int] = []
    for offset in range(len(golden.payload)):
        found = owner(golden, offset)
        if last is None or (found.path, found.start) != (last.path, last.start):
            assert found.start == offset, found
            starts.append(offset)
        last = found
    assert starts == sorted(set(starts))
    assert len(starts) > 20


@pytest.mark.parametrize("golden", layout_kinds(), ids=str)
def test_every_byte_of_a_subsection_header_is_the_headers(golden: Golden) -> None:
    found = {}
    for name in NAMES:
        for version in (1, 2):
            at = golden.payload.find(header(name, version))
            if at >= 0:
                found[name] = at
    for name, at in found.items():
        for offset in (at, at + 1, at + 2, at + 5, at + len(name) + 1, at + len(header(name)) - 1):
            answer = owner(golden, offset)
            assert answer.type == "subsection header", (name, offset - at, answer)
            assert answer.start == at
            assert name in answer.doc
            assert answer.path.endswith(name)
        behind = at + len(header(name))
        if behind < len(golden.payload) and behind not in found.values():
            assert owner(golden, behind).type != "subsection header" or name == "virtio/extra_state"


@pytest.mark.parametrize("golden", OURS[::9], ids=str)
def test_the_parts_begin_where_they_do(golden: Golden) -> None:
    common, device = proxy_size(golden), device_start(golden)
    assert owner(golden, 0).path.startswith("config.")
    assert owner(golden, common - 1).path.startswith("config.")
    assert owner(golden, common).path == "common.status"
    assert owner(golden, common + 1).path == "common.isr"
    assert owner(golden, device - 1).path.startswith(f"queues[{len(state_of(golden).queues) - 1}].")
    assert owner(golden, device).path in ("device.mac", "device.requests")


def test_an_owner_names_its_declaration() -> None:
    golden = next(one for one in OURS if one.device == "virtio-net")
    found = owner(golden, device_start(golden))
    assert found.record == "virtmig_net.state.NetState"
    assert found.type == "bytes[6]"
    assert "MAC" in found.doc
    queue = owner(golden, device_start(golden) - 1)
    assert queue.path.endswith(".vector")
    assert queue.record == "virtmig_pci.state.PciQueue"
    assert queue.when


@pytest.mark.parametrize("where", [-1, "end", "far"])
def test_a_byte_that_is_not_there_has_no_owner(where: Any) -> None:
    golden = OURS[0]
    offset = {"end": len(golden.payload), "far": 1 << 40}.get(where, where)
    with pytest.raises(DecodeError):
        owner(golden, offset)
