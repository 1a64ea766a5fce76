"""Optional records behind a header, found by QEMU's own rule: a byte 5 and a name's prefix."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtmig.errors import (
    DecodeError,
    EncodeError,
    NotCanonical,
    TrailingBytes,
    Truncated,
    UnknownSubsection,
    VersionMismatch,
)
from virtmig.wire.codec import decode, encode
from virtmig.wire.compound import array, buffer, header_version, struct, subsection
from virtmig.wire.counted import depends_on
from virtmig.wire.record import record, wire
from virtmig.wire.scope import Scope, since
from virtmig.wire.types import be16, be32, raw, u8


def header(name: bytes, version: int = 1) -> bytes:
    return bytes([5, len(name)]) + name + version.to_bytes(4, "big")


@record("dev/a")
class A:
    value: int = wire(u8, "a value")


@record("dev/b", version=3, minimum=2)
class B:
    version_id: int = wire(header_version, "2 or 3")
    value: int = wire(u8, "a value")
    newer: int | None = wire(be16, "new in version 3", when=since(3))


@record("dev/c/inner")
class Inner:
    value: int = wire(u8, "a value")


@record("dev/c")
class C:
    value: int = wire(u8, "a value")
    inner: Inner | None = wire(subsection(Inner), "a subsection of a subsection")


@record("dev")
class Dev:
    head: int = wire(u8, "a byte")
    a: A | None = wire(subsection(A), "the first")
    b: B | None = wire(subsection(B), "the second")
    c: C | None = wire(subsection(C), "the third")


@record()
class Outer:
    dev: Dev = wire(struct(Dev), "a record with subsections")
    last: int = wire(be32, "a number behind it")


A_BYTES = header(b"dev/a") + b"\x11"
B_BYTES = header(b"dev/b", 2) + b"\x22"
B3_BYTES = header(b"dev/b", 3) + b"\x22\0\x33"
C_BYTES = header(b"dev/c") + b"\x44"


@pytest.mark.parametrize("a", [None, A(value=0x11)])
@pytest.mark.parametrize(
    "b", [None, B(version_id=2, value=0x22), B(version_id=3, value=0x22, newer=0x33)]
)
@pytest.mark.parametrize("c", [None, C(value=0x44)])
def test_any_choice_of_subsections_reads_and_writes(a: Any, b: Any, c: Any) -> None:
    data = b"\x07" + (A_BYTES if a else b"")
    data += {None: b"", 2: B_BYTES, 3: B3_BYTES}[b and b.version_id]
    data += C_BYTES if c else b""
    value = Dev(head=7, a=a, b=b, c=c)
    assert encode(value) == data
    assert decode(Dev, data) == value


def test_every_cut_is_an_error_except_in_front_of_a_header() -> None:
    data = b"\x07" + A_BYTES + B3_BYTES + C_BYTES
    starts = {1, 1 + len(A_BYTES), 1 + len(A_BYTES + B3_BYTES), len(data)}
    good = set()
    for length in range(len(data) + 1):
        try:
            decode(Dev, data[:length])
        except Truncated as error:
            assert error.where.offset is not None
            assert error.where.offset <= length
        else:
            good.add(length)
    assert good == starts


@pytest.mark.parametrize("cut", range(1, 11))
def test_a_cut_header_is_named_by_where_it_starts(cut: int) -> None:
    with pytest.raises(Truncated) as caught:
        decode(Dev, b"\x07" + A_BYTES[:cut])
    assert caught.value.where.offset == 1


@record()
class Behind1:
    dev: Dev = wire(struct(Dev), "a record with subsections")
    last: bytes = wire(raw(1), "what lies behind it")


@record()
class Behind2:
    dev: Dev = wire(struct(Dev), "a record with subsections")
    last: bytes = wire(raw(2), "what lies behind it")


@record()
class Behind4:
    dev: Dev = wire(struct(Dev), "a record with subsections")
    last: bytes = wire(raw(4), "what lies behind it")


@pytest.mark.parametrize("last", [b"\x05", b"\x05\x05", b"\x05\xff", b"\x05\xffde"])
def test_a_five_in_front_of_too_few_bytes_for_the_prefix_is_a_value(last: bytes) -> None:
    behind = {1: Behind1, 2: Behind2, 4: Behind4}[len(last)]
    data = b"\x07" + last
    assert decode(behind, data).last == last
    assert encode(decode(behind, data)) == data


def test_a_cut_body_names_the_subsection_and_the_field() -> None:
    with pytest.raises(Truncated) as caught:
        decode(Dev, b"\x07" + B3_BYTES[:-1])
    assert caught.value.where.path == "dev/b.newer"
    assert caught.value.where.offset == 1 + len(header(b"dev/b")) + 1


@pytest.mark.parametrize(
    "data", [B_BYTES + A_BYTES, C_BYTES + B_BYTES, A_BYTES * 2, B_BYTES + B3_BYTES]
)
def test_qemu_writes_each_subsection_once_and_in_its_order(data: bytes) -> None:
    """QEMU reads them in any order, but bytes in another order could not be written back."""
    second = 1 + data.index(b"\5\5", 1)
    with pytest.raises(NotCanonical) as caught:
        decode(Dev, b"\x07" + data)
    assert caught.value.where.offset == second
    assert caught.value.where.path.startswith("dev/")


@pytest.mark.parametrize("name", [b"dev/z", b"dev/aa", b"devil", b"dev/", b"dev\xff\n"])
def test_an_unknown_name_with_the_parents_prefix_is_an_error(name: bytes) -> None:
    """QEMU refuses the stream too: there is no length that would let a reader pass over it."""
    with pytest.raises(UnknownSubsection) as caught:
        decode(Dev, b"\x07" + A_BYTES + header(name) + bytes(8))
    assert caught.value.where.offset == 1 + len(A_BYTES)
    assert caught.value.where.path.startswith("dev")
    assert caught.value.hint


def test_a_name_out_of_a_stream_cannot_break_the_line_it_is_printed_on() -> None:
    """A terminal must not obey what a file says."""
    with pytest.raises(UnknownSubsection) as caught:
        decode(Dev, b"\x07" + header(b"dev/\x1b[2J\r\nvirtmig: all is well"))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", [b"dex/a", b"de", b"dev", b"", b"Dev/a", b"other"])
def test_a_name_without_the_parents_prefix_ends_the_subsections(name: bytes) -> None:
    """What follows belongs to whoever reads next; here nobody does."""
    with pytest.raises(TrailingBytes) as caught:
        decode(Dev, b"\x07" + A_BYTES + header(name) + bytes(2))
    assert caught.value.where.offset == 1 + len(A_BYTES)


def test_a_subsection_declared_as_misnamed_needs_no_prefix() -> None:
    """QEMU 5.1 misspelt a name: what it wrote has to be read here, though no QEMU can."""

    @record("dve/misspelt")
    class Misspelt:
        value: int = wire(u8, "a value")

    @record("dev")
    class Parent:
        a: A | None = wire(subsection(A), "the first")
        misspelt: Misspelt | None = wire(subsection(Misspelt, misnamed=True), "the second")

    data = A_BYTES + header(b"dve/misspelt") + b"\x55"
    value = decode(Parent, data)
    assert value == Parent(a=A(value=0x11), misspelt=Misspelt(value=0x55))
    assert encode(value) == data
    with pytest.raises(TrailingBytes):
        decode(Parent, header(b"dve/other") + b"\x55")


def test_a_field_that_begins_with_a_byte_5_is_no_subsection() -> None:
    data = b"\x07" + A_BYTES + bytes([5, 2, 3, 4])
    assert decode(Outer, data) == Outer(dev=Dev(head=7, a=A(value=0x11)), last=0x05020304)


def test_a_byte_5_and_a_short_length_are_no_subsection_even_at_the_end() -> None:
    data = b"\x07" + bytes([5, 3]) + b"de"
    assert decode(Outer, data) == Outer(dev=Dev(head=7), last=0x05036465)


def test_the_rule_is_greedy() -> None:
    """A field whose bytes look like a header of ours is taken for one, as QEMU would."""
    data = b"\x07" + header(b"dev/x") + bytes(20)
    with pytest.raises(UnknownSubsection):
        decode(Outer, data)


def test_a_subsections_own_subsections_need_the_prefix_of_its_own_name() -> None:
    """QEMU never looks for a `dev/b/inner` below `dev/c`."""
    with pytest.raises(UnknownSubsection) as caught:
        decode(Dev, b"\x07" + C_BYTES + header(b"dev/b/inner") + b"\1")
    assert caught.value.where.path == "dev/b/inner"


@pytest.mark.parametrize("version", [0, 1, 4, 0xFFFFFFFF])
def test_a_version_that_is_not_declared_is_refused_when_read(version: int) -> None:
    with pytest.raises(VersionMismatch) as caught:
        decode(Dev, b"\x07" + header(b"dev/b", version) + bytes(8))
    assert (caught.value.where.path, caught.value.where.offset) == ("dev/b", 1)
    assert str(version) in caught.value.reason


@pytest.mark.parametrize(
    ("version", "newer"),
    [(0, None), (1, None), (4, 9), (-1, None), (1 << 32, 9), (None, None), ("2", None)],
)
def test_a_version_that_is_not_declared_is_refused_when_written(
    version: Any, newer: int | None
) -> None:
    """It could not be read back."""
    with pytest.raises(EncodeError) as caught:
        encode(Dev(head=7, b=B(version_id=version, value=1, newer=newer)))
    assert caught.value.where.path.startswith("dev/b")


def test_a_field_of_a_newer_version_is_refused_in_an_older_one() -> None:
    with pytest.raises(EncodeError) as caught:
        encode(Dev(head=7, b=B(version_id=2, value=1, newer=5)))
    assert caught.value.where.path == "dev/b.newer"
    with pytest.raises(EncodeError) as caught:
        encode(Dev(head=7, b=B(version_id=3, value=1)))
    assert caught.value.where.path == "dev/b.newer"


def test_a_field_that_happens_to_be_called_version_id_is_only_a_field() -> None:
    @record("dev/p")
    class Plain:
        version_id: int = wire(be32, "a version of something else")

    @record("dev")
    class Parent:
        plain: Plain | None = wire(subsection(Plain), "a subsection")

    value = Parent(plain=Plain(version_id=99))
    data = header(b"dev/p") + (99).to_bytes(4, "big")
    assert encode(value) == data
    assert decode(Parent, data) == value


def test_a_count_may_stand_in_the_record_above() -> None:
    """QEMU's subsections are of the same object as the fields in front of them."""

    @depends_on(above=("size",))
    def size(scope: Scope, _: object) -> int:
        """size of the record above"""
        return int(scope.above["size"])

    @record("dev/bytes")
    class Content:
        content: bytes = wire(buffer(size), "that many bytes")

    @record("dev")
    class Sized:
        size: int = wire(u8, "bytes in the subsection")
        content: Content | None = wire(subsection(Content), "where they are")

    data = b"\x02" + header(b"dev/bytes") + b"ab"
    assert decode(Sized, data) == Sized(size=2, content=Content(content=b"ab"))
    assert encode(Sized(size=2, content=Content(content=b"ab"))) == data
    with pytest.raises(EncodeError):
        encode(Sized(size=3, content=Content(content=b"ab")))
    with pytest.raises(Truncated):
        decode(Sized, b"\x03" + data[1:])
    with pytest.raises(TypeError, match="size"):

        @record("dev")
        class Unsized:
            content: Content | None = wire(subsection(Content), "of no known size")


def test_the_version_of_a_subsection_ends_with_it() -> None:
    """What follows depends on the version of the section again."""

    @record()
    class Later:
        value: int = wire(u8, "a value")
        newer: int | None = wire(be16, "there from version 2 of the section on", when=since(2))

    @record()
    class Section:
        dev: Dev = wire(struct(Dev), "a record with subsections")
        rows: tuple[Later, ...] = wire(array(Later, 1), "what follows")

    dev = Dev(head=7, b=B(version_id=3, value=1, newer=2))
    for version, later in ((1, Later(value=4)), (2, Later(value=4, newer=5))):
        value = Section(dev=dev, rows=(later,))
        data = encode(value, Scope(version=version))
        assert data.endswith(b"\4" if version == 1 else b"\4\0\5")
        assert decode(Section, data, Scope(version=version)) == value


@pytest.mark.parametrize("wrong", [5, B(version_id=2, value=1), Dev(head=1)])
def test_only_its_own_record_goes_into_a_subsection(wrong: Any) -> None:
    with pytest.raises(EncodeError) as caught:
        encode(Dev(head=7, a=wrong))
    assert caught.value.where.path in ("a", "dev/a")


@given(data=st.binary(max_size=60))
def test_no_bytes_break_the_reading_of_subsections(data: bytes) -> None:
    try:
        value = decode(Dev, b"\x07" + data)
    except DecodeError as error:
        assert error.where.offset is not None
    else:
        assert encode(value) == b"\x07" + data
