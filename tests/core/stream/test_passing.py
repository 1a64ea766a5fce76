"""A stream in a pipe: what comes out, when, and what is refused on the way."""

from __future__ import annotations

import gzip
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings

from tests.core.stream.building import (
    DEVICES,
    EOS,
    PAGE,
    RAM_ID,
    Device,
    Item,
    Recipe,
    footer,
    header,
    noise,
    page_item,
    str8,
    u16,
    u32,
    u64,
    zero_item,
)
from tests.core.stream.flowing import pieces, piped
from tests.core.stream.test_ram_orders import sent_pages
from virtmig.errors import (
    BadFooter,
    GuestMemoryError,
    LimitExceeded,
    NotAStream,
    UnsupportedContainer,
    VirtmigError,
)
from virtmig.stream import flow as flowing
from virtmig.stream.editing import Edits
from virtmig.stream.flow import Flow
from virtmig.stream.opening import Stream
from virtmig.stream.passing import AGAIN, look_at_head, pass_live
from virtmig.stream.skeleton import Kept, keep, keep_head
from virtmig.stream.tailing import LARGEST_TAIL, Tail

SAMPLES = Path(__file__).parents[3] / "samples"
BIG = tuple(
    page_item("pc.ram", page, noise(page), named=not page)
    if page % 3
    else zero_item("pc.ram", page, named=not page)
    for page in range(64)
)
ATTRIBUTES_ID = 9
ATTRIBUTES = header(1, ATTRIBUTES_ID, "s390-storage_attributes", 0, 0) + u64(1)


def go(flow: Flow, limit: int = LARGEST_TAIL) -> Kept:
    """All steps that a filter takes, without any edit."""
    opening = look_at_head(flow)
    flow.replace(len(opening.data), opening.data)
    pass_live(flow, opening.head)
    tail = Tail(flow, limit)
    kept = keep(opening, tail.all(), tail.start)
    flow.put(kept.edited(Edits())[1])
    return kept


def through(data: bytes, size: int = 1 << 16) -> tuple[bytes, Kept]:
    """What comes out of a pipe that gets `data` in pieces, and what was kept of it."""
    with piped(pieces(data, size)) as ends:
        kept = go(ends.flow)
    return bytes(ends.out), kept


def ram_at(data: bytes) -> int:
    """Where the first record behind the head begins."""
    return data.index(EOS + footer(RAM_ID)) + len(EOS + footer(RAM_ID))


def refused(data: bytes, kind: type[VirtmigError]) -> tuple[bytes, VirtmigError]:
    """What had come out before the error, and the error."""
    with piped(pieces(data, 1 << 16)) as ends, pytest.raises(kind) as caught:
        go(ends.flow)
    return bytes(ends.out), caught.value


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_a_stream_comes_out_as_it_went_in_however_it_is_cut_into_reads(size: int) -> None:
    data = Recipe(items=BIG[: 6 if size == 1 else 64]).build()
    assert through(data, size)[0] == data


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.mig")), ids=lambda path: path.stem)
def test_a_real_stream_comes_out_as_it_went_in(path: Path) -> None:
    data = path.read_bytes()
    out, kept = through(data)
    assert out == data
    with Stream.from_bytes(data) as stream:
        names = [section.idstr for section in stream.sections]
        assert [section.idstr for section in kept.stream.sections] == names
        assert kept.stream.machine == stream.machine


@settings(max_examples=60)
@given(sent_pages())
def test_items_of_any_kind_in_any_order_pass(items: list[Item]) -> None:
    data = Recipe(items=tuple(items)).build()
    assert through(data, 5000)[0] == data


@pytest.mark.parametrize("room", [PAGE, PAGE + 8, 3 * PAGE])
def test_an_item_may_be_longer_than_what_is_held(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flowing, "ROOM", room)
    data = Recipe(items=BIG).build()
    assert through(data, 1000)[0] == data


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(footers=False, machine="", described=False),
        Recipe(described=False),
        Recipe(spaces=True),
        Recipe(page_size=PAGE, early=(Device("virtio-mem-device-early", bytes(70)),)),
        Recipe(capabilities=("x-ignore-shared",)),
        Recipe(start_extra=ATTRIBUTES + footer(ATTRIBUTES_ID), middle=b"\x08" + u16(11) + u16(0)
               + b"\x02" + u32(ATTRIBUTES_ID) + u64(2) + u64(5) + b"abcde" + u64(1)
               + footer(ATTRIBUTES_ID) + b"\x03" + u32(ATTRIBUTES_ID) + u64(8) + u64(1)
               + footer(ATTRIBUTES_ID)),
        Recipe(middle=b"\x02" + u32(RAM_ID) + u64(0x200) + EOS + footer(RAM_ID)),
    ],
    ids=["no footers", "not described", "spaces", "early", "shared", "attributes", "flush"],
)  # fmt: skip
def test_streams_of_every_shape_pass(recipe: Recipe) -> None:
    data = recipe.build()
    out, kept = through(data, 3000)
    assert out == data
    names = [device.idstr for device in (*recipe.early, *recipe.devices)]
    assert [section.idstr for section in kept.stream.sections] == names


def test_pages_of_64_kib_and_1_kib_pass() -> None:
    for bits in (10, 16):
        size = 1 << bits
        items = tuple(
            page_item("pc.ram", page, noise(page, size), named=not page) for page in range(9)
        )
        recipe = Recipe(items=items, blocks={"pc.ram": 9 * size}, page_size=size)
        data = recipe.build()
        told = b"\x05" + str8("configuration/target-page-bits") + u32(1) + u32(bits)
        at = len(recipe.head())
        data = data[:at] + told + data[at:]
        assert through(data)[0] == data


def test_ram_comes_out_while_the_stream_still_runs() -> None:
    """A live migration waits for nothing but its pages: the tail alone is held back."""
    data = Recipe(items=BIG).build()
    end = data.index(b"\x04" + u32(0x31))
    passed = threading.Event()

    def source() -> Iterator[bytes]:
        yield data[:end]
        assert passed.wait(20)
        yield data[end:]

    with piped(source()) as ends:
        opening = look_at_head(ends.flow)
        ends.flow.replace(len(opening.data), opening.data)
        pass_live(ends.flow, opening.head)
        tail = Tail(ends.flow)
        ends.flow.put(b"")
        for _ in range(1000):
            if len(ends.out) == end:
                break
            time.sleep(0.01)
        assert bytes(ends.out) == data[:end]
        passed.set()
        assert tail.all() == data[end:]


@pytest.fixture
def null() -> Iterator[int]:
    """A file that is written to in no time, so that nobody who reads is slow."""
    file = os.open(os.devnull, os.O_WRONLY)
    yield file
    os.close(file)


def test_the_source_may_be_ahead_while_a_long_part_sends_pages_again(null: int) -> None:
    """A pipe that holds one page would cost most of the throughput."""
    with piped(pieces(Recipe(items=BIG * 60).build(), 20_000), into=null) as ends:
        go(ends.flow)
    part = ends.held[: len(ends.held) // 2]  # the other half is in the END
    assert set(part[len(part) // 4 : -20]) == {AGAIN}


def test_the_source_may_not_be_ahead_of_a_reader_that_is_slow() -> None:
    """QEMU could write its end while we still wait to pass on what came in front of it."""
    data = Recipe(items=BIG * 60).build()
    with piped(pieces(data, 20_000), slow=lambda: time.sleep(0.004)) as ends:
        go(ends.flow)
    assert bytes(ends.out) == data
    assert set(ends.held[-30:]) == {flowing.NARROW}


def test_between_two_parts_the_source_may_not_be_ahead(null: int) -> None:
    """QEMU stops the guest there, and writes the end."""
    data = Recipe(items=BIG * 30).build()
    at = data.rindex(b"\x03" + u32(RAM_ID))
    narrow: list[int] = []

    def source() -> Iterator[bytes]:
        yield from pieces(data[:at], 20_000)
        waits = (b"" for _ in range(1000) if ends.held[-1] > flowing.NARROW)
        for nothing in waits:
            time.sleep(0.005)
            yield nothing
        narrow.append(ends.held[-1])
        yield data[at:]

    with piped(source(), into=null) as ends:
        go(ends.flow)
    assert AGAIN in ends.held
    assert narrow == [flowing.NARROW]


def test_ram_that_is_not_plugged_is_not_waited_for(
    null: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QEMU sends none of it, so what comes behind it can be all that is left."""
    asked: list[int] = []
    monkeypatch.setattr(Flow, "allow", lambda _, ahead: asked.append(ahead))
    items = (zero_item("mem1", 0, named=True), *BIG)
    recipe = Recipe(items=items, blocks={"mem1": 1 << 30, "pc.ram": 64 * PAGE})
    with piped(pieces(recipe.build(), 20_000), into=null) as ends:
        go(ends.flow)
    first = asked.index(max(asked))
    assert asked[first] > 1 << 18
    assert max(asked[first + 1 :]) < flowing.NARROW


def test_nothing_is_written_before_the_head_is_whole() -> None:
    data = Recipe().build()
    out, error = refused(data[: ram_at(data)], NotAStream)
    assert out == b""
    assert "before RAM" in str(error)


def test_a_stream_that_stops_inside_ram_is_passed_on_up_to_there() -> None:
    data = Recipe(items=BIG).build()
    out, error = refused(data[:100_000], NotAStream)
    assert out == data[: len(out)]
    assert len(out) > 90_000
    assert error.where.offset is not None
    assert abs(error.where.offset - 100_000) <= PAGE + 8


def test_a_slow_reader_slows_the_source_down_and_loses_nothing() -> None:
    data = Recipe(items=BIG * 8).build()
    with piped(pieces(data, 50_000), slow=lambda: time.sleep(0.002)) as ends:
        go(ends.flow)
    assert bytes(ends.out) == data


def test_pipes_that_do_not_block_are_waited_for() -> None:
    data = Recipe(items=BIG * 20).build()

    def late() -> Iterator[bytes]:
        for piece in pieces(data, 100_000):
            time.sleep(0.001)
            yield piece

    with piped(late(), slow=lambda: time.sleep(0.001)) as ends:
        os.set_blocking(ends.flow.source, False)
        os.set_blocking(ends.flow.sink, False)
        go(ends.flow)
    assert bytes(ends.out) == data


def test_a_reader_that_leaves_is_an_error_of_the_pipe() -> None:
    source, feed = os.pipe()
    drain, sink = os.pipe()
    os.close(drain)
    os.write(feed, Recipe().build()[:4000])
    opening = look_at_head(flow := Flow(source, sink))
    with pytest.raises(BrokenPipeError):
        flow.replace(len(opening.data), opening.data)
    assert flow.passed == 0
    for file in (source, feed, sink):
        os.close(file)


def test_the_skeleton_has_no_memory_and_says_so() -> None:
    """A page that was not kept must not be taken for one that is zero."""
    _, kept = through(Recipe(items=BIG).build())
    with pytest.raises(GuestMemoryError, match="flowed past"):
        kept.stream.ram()


def test_the_skeleton_is_as_long_as_the_device_state() -> None:
    small, large = (through(Recipe(items=BIG * count).build())[1] for count in (1, 30))
    assert small.data == large.data


def test_edits_of_the_tail_leave_the_head_alone() -> None:
    data = Recipe(items=BIG).build()
    _, kept = through(data)
    section = next(one for one in kept.stream.sections if one.idstr == "timer")
    head, tail = kept.edited(Edits(payloads={section: b"new"}))
    assert data.startswith(head)
    front = data[: len(data) - (len(kept.data) - kept.tail)]
    with Stream.from_bytes(data) as stream:
        place = next(one for one in stream.sections if one.idstr == "timer")
        [_, *changes] = stream.replaced(Edits(payloads={place: b"new"}))
        assert changes  # the description tells the new size
    with Stream.from_bytes(front + tail) as edited:
        assert edited.payload(edited.sections[0]) == b"new"
        assert edited.ram().read("pc.ram", PAGE, PAGE) == noise(1)


def test_edits_of_what_is_saved_early_are_for_the_head() -> None:
    early = Device("virtio-mem-device-early", bytes(70))
    data = Recipe(items=BIG, early=(early,)).build()
    _, kept = through(data)
    edits = Edits(payloads={kept.stream.sections[0]: b"longer" * 30})
    head, tail = kept.edited(edits)
    assert b"longerlonger" in head
    assert b"longerlonger" not in tail
    with piped([data]) as ends:
        first = keep_head(look_at_head(ends.flow))
    section = first.stream.sections[0]
    assert first.edited(Edits(payloads={section: b"longer" * 30}))[0] == head


def damaged(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize(
    ("old", "new", "kind", "reason"),
    [
        (b"\x02" + u32(RAM_ID), b"\x02" + u32(5), BadFooter, "section 5 where live sections go"),
        (b"\x03" + u32(RAM_ID), b"\x04" + u32(RAM_ID), BadFooter, "where live sections go on"),
        (b"\x06pc.ramAAAA", b"\x06pc.rumAAAA", BadFooter, "unknown RAM block"),
        (u64(0x1028), u64(0x1828), BadFooter, "flags 0x828"),
        (u64(0x1028), u64(0x10A0), UnsupportedContainer, "RDMA"),
        (u64(8) + b"\x06pc.ram", u64(0x28) + b"\x06pc.ram", BadFooter, "none came before"),
    ],
)
def test_damage_inside_ram_ends_the_stream_there(
    old: bytes, new: bytes, kind: type[VirtmigError], reason: str
) -> None:
    data = Recipe().build()
    at = data.index(old, ram_at(data))
    out, error = refused(damaged(data, at, new), kind)
    assert reason in str(error)
    assert len(out) <= at
    assert error.where.offset is not None
    assert at - 8 <= error.where.offset <= at + len(new)


def test_the_offset_of_damage_behind_ram_is_that_in_the_stream() -> None:
    data = Recipe(items=BIG).build()
    cut = data[: data.index(b"\x13" * 300) + 100]
    out, error = refused(cut, BadFooter)
    assert "virtio-blk" in str(error)
    assert error.where.offset == data.index(b"\x04" + u32(7) + str8("0000:00:02.0/virtio-blk"))
    assert out == data[: data.index(b"\x04" + u32(0x31))]


def test_a_description_that_is_cut_is_damage() -> None:
    data = Recipe(items=BIG).build()
    out, error = refused(data[:-20], BadFooter)
    assert "description" in str(error)
    assert out == data[: data.index(b"\x04" + u32(0x31))]


def test_bytes_behind_the_description_are_damage() -> None:
    out, _ = refused(Recipe().build() + b"more", BadFooter)
    assert out == Recipe().build()[: len(out)]


def test_more_device_state_than_is_kept_is_refused() -> None:
    big = attrs.evolve(DEVICES[0], payload=bytes(300_000))
    data = Recipe(devices=(big,)).build()
    with piped([data]) as ends, pytest.raises(LimitExceeded, match="200000"):
        go(ends.flow, 200_000)


def test_a_head_without_an_end_is_refused_and_bounded() -> None:
    endless = header(4, 8, "virtio-mem-device-early") + bytes(40 << 20)
    data = b"QEVM" + u32(3) + header(1, RAM_ID, "ram", 0, 4) + u64(4096 | 4) + str8("pc.ram")
    data += u64(4096) + EOS + footer(RAM_ID) + endless
    out, error = refused(data, UnsupportedContainer)
    assert out == b""
    assert "no certain end" in str(error)


def test_a_live_section_that_is_not_known_is_refused_before_anything_is_written() -> None:
    data = Recipe(start_extra=header(1, 8, "dirty-bitmap") + bytes(3 << 20)).build()
    out, error = refused(data, UnsupportedContainer)
    assert out == b""
    assert "dirty-bitmap" in str(error)
    assert "virtmig edit" in str(error)


def test_mapped_ram_cannot_flow() -> None:
    data = Recipe(capabilities=("mapped-ram",)).build()
    out, error = refused(data, UnsupportedContainer)
    assert out == b""
    assert "virtmig edit" in error.hint


@pytest.mark.parametrize(
    ("wrap", "name"),
    [(gzip.compress, "gzip"), (lambda data: b"LibvirtQemudSave" + bytes(200) + data, "libvirt")],
)
def test_a_container_is_named_and_nothing_is_unpacked(wrap, name: str) -> None:
    out, error = refused(wrap(Recipe(items=BIG).build()), UnsupportedContainer)
    assert out == b""
    assert name in str(error)


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 500, bytes(500), b"QEVM" + u32(9) + bytes(99)])
def test_what_is_no_stream_is_refused(data: bytes) -> None:
    assert refused(data, NotAStream)[0] == b""
