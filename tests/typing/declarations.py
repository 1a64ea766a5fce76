"""The annotation of a field cannot drift from its wire type."""

from __future__ import annotations

from typing import assert_type

from virtmig.api import (
    array,
    be16,
    be32,
    boolean,
    buffer,
    decode,
    encode,
    if_set,
    mac_address,
    marked,
    record,
    struct,
    u8,
    wire,
)


@record()
class Inner:
    """One row."""

    number: int = wire(be16, "a number")


@record()
class Outer:
    """One field of each shape."""

    flag: bool = wire(boolean, "whether `word` is there")
    word: int | None = wire(be32, "a number", when=if_set("flag"))
    mac: bytes = wire(mac_address, "an address")
    size: int = wire(u8, "bytes in `data`")
    data: bytes = wire(buffer("size"), "bytes")
    inner: Inner = wire(struct(Inner), "one row")
    rows: tuple[Inner, ...] = wire(array(Inner, 3), "three rows")
    words: tuple[int, ...] = wire(array(be32, 2), "two words")
    more: tuple[Inner, ...] = wire(marked(Inner), "rows until a zero byte")


@record()
class Wrong:
    """One field of each mistake."""

    text: str = wire(be16, "a number is no text")  # type: ignore[assignment]
    always: int = wire(be16, "may be absent", when=if_set("text"))  # type: ignore[assignment]
    row: Inner = wire(array(Inner, 3), "three are not one")  # type: ignore[assignment]
    rows: tuple[Inner, ...] = wire(array(be16, 3), "words are no rows")  # type: ignore[arg-type]
    data: str = wire(buffer("text"), "bytes are no text")  # type: ignore[assignment]


def fields_have_the_types_of_the_wire(outer: Outer) -> None:
    """A decoded field needs no cast."""
    assert_type(outer.flag, bool)
    assert_type(outer.word, int | None)
    assert_type(outer.mac, bytes)
    assert_type(outer.inner.number, int)
    assert_type(outer.rows[0], Inner)
    assert_type(outer.words, tuple[int, ...])
    assert_type(outer.more, tuple[Inner, ...])


def records_go_to_bytes_and_back() -> None:
    """`decode` gives an instance of the class that it is asked for."""
    inner = decode(Inner, b"\0\1")
    assert_type(inner, Inner)
    assert_type(encode(inner), bytes)


def records_are_keyword_only_and_frozen(inner: Inner) -> None:
    """A record is made by name and never changed."""
    Inner(number=1)
    Inner(1)  # type: ignore[call-arg]
    Inner(numbr=1)  # type: ignore[call-arg]
    Inner(number="1")  # type: ignore[arg-type]
    inner.number = 2  # type: ignore[misc]
