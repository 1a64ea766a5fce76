"""Records as plain data and back: nothing may be missing, left over or of another kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtmig.errors import BadContainer
from virtmig.wire.compound import array, bitmap, buffer, marked, slot, struct, subsection, table
from virtmig.wire.plain import from_ranges, from_record, ranges, to_record
from virtmig.wire.record import record, wire
from virtmig.wire.scope import if_set
from virtmig.wire.types import Form, be32, boolean, mac_address, u8


@record("dev/tail")
class Tail:
    value: int = wire(u8, "a value")


@record()
class Row:
    number: int = wire(u8, "a number")


@record()
class Vector:
    vector: int = wire(u8, "what a plugin adds")


@record("dev")
class Everything:
    number: int = wire(be32, "a number")
    flag: bool = wire(boolean, "0 or 1")
    size: int = wire(be32, "bytes in `data`")
    data: bytes = wire(buffer("size"), "bytes")
    mac: bytes = wire(mac_address, "an address")
    row: Row = wire(struct(Row), "a record inside")
    extra: Any = wire(slot("extra"), "a plugin's record")
    numbers: tuple[int, ...] = wire(array(u8, 2), "two numbers")
    rows: tuple[Row, ...] = wire(table(Row, 4), "rows")
    listed: tuple[Row, ...] = wire(marked(Row), "a list")
    bits: frozenset[int] = wire(bitmap(64), "bits")
    maybe: int | None = wire(u8, "there if there are bytes", when=if_set("size"))
    tail: Tail | None = wire(subsection(Tail), "a subsection")


VALUE = Everything(
    number=1,
    flag=True,
    size=2,
    data=b"\xab\xcd",
    mac=bytes(range(6)),
    row=Row(number=3),
    extra=Vector(vector=4),
    numbers=(5, 6),
    rows=(Row(number=7), Row(number=0), Row(number=8)),
    listed=(Row(number=9),),
    bits=frozenset({0, 1, 2, 9}),
    maybe=10,
    tail=Tail(value=11),
)
RECORDS = {"extra": Vector}
JSON, CBOR = Form(text=True, records=RECORDS), Form(text=False, records=RECORDS)
TREE: dict[str, Any] = {
    "number": 1,
    "flag": True,
    "size": 2,
    "data": "abcd",
    "mac": "00:01:02:03:04:05",
    "row": {"number": 3},
    "vector": 4,
    "numbers": [5, 6],
    "rows": [{"number": 7}, {"number": 0}, {"number": 8}],
    "listed": [{"number": 9}],
    "bits": ["0-2", "9"],
    "maybe": 10,
    "dev/tail": {"value": 11},
}
BINARY = {**TREE, "data": b"\xab\xcd", "mac": bytes(range(6))}
forms = pytest.mark.parametrize(("form", "tree"), [(JSON, TREE), (CBOR, BINARY)])


@forms
def test_a_record_is_a_tree_in_the_order_of_its_fields(form: Form, tree: dict[str, Any]) -> None:
    assert from_record(VALUE, form) == tree
    assert list(from_record(VALUE, form)) == list(tree)


@forms
def test_a_tree_gives_the_same_record_back(form: Form, tree: dict[str, Any]) -> None:
    assert to_record(Everything, tree, form) == VALUE


@forms
def test_what_is_not_on_the_wire_is_not_in_the_tree(form: Form, tree: dict[str, Any]) -> None:
    short = {name: item for name, item in tree.items() if name not in ("maybe", "dev/tail")}
    value = to_record(Everything, short, form)
    assert (value.maybe, value.tail) == (None, None)
    assert from_record(value, form) == short


@forms
@pytest.mark.parametrize("name", [name for name in TREE if name not in ("maybe", "dev/tail")])
def test_a_missing_field_is_named(form: Form, tree: dict[str, Any], name: str) -> None:
    with pytest.raises(BadContainer, match=name):
        to_record(Everything, {key: item for key, item in tree.items() if key != name}, form)


@forms
@pytest.mark.parametrize("path", [(), ("row",), ("rows", 1), ("dev/tail",)])
@pytest.mark.parametrize("key", ["surplus", "tail", 5, None, b"number", ("a", "b")])
def test_a_field_too_many_is_named(
    form: Form, tree: dict[str, Any], path: tuple[Any, ...], key: Any
) -> None:
    changed = _deep_copy(tree)
    inner: Any = changed
    for step in path:
        inner = inner[step]
    inner[key] = 1
    with pytest.raises(BadContainer) as caught:
        to_record(Everything, changed, form)
    assert str(key) in caught.value.reason


KINDS = [1, True, 1.0, None, "text", b"bytes", [1], {"a": 1}, float("nan"), (1,)]


WRONG = [
    (form, tree, name, wrong)
    for form, tree in ((JSON, TREE), (CBOR, BINARY))
    for name in TREE
    for wrong in KINDS
    if type(wrong) is not type(tree[name]) or wrong in ({"a": 1}, "text")
]


@pytest.mark.parametrize(("form", "tree", "name", "wrong"), WRONG, ids=range(len(WRONG)))
def test_data_of_the_wrong_kind_is_refused_by_its_path(
    form: Form, tree: dict[str, Any], name: str, wrong: Any
) -> None:
    with pytest.raises(BadContainer) as caught:
        to_record(Everything, {**tree, name: wrong}, form)
    assert caught.value.where.path.startswith(name)


@pytest.mark.parametrize("wrong", [None, [], 1, "tree", [TREE]])
def test_a_record_is_made_of_a_map_only(wrong: Any) -> None:
    with pytest.raises(BadContainer, match="map"):
        to_record(Everything, wrong, JSON)


@pytest.mark.parametrize(
    ("name", "wrong", "path"),
    [
        ("numbers", [1, "2"], "numbers[1]"),
        ("rows", [{"number": 1}, {"number": "2"}], "rows[1].number"),
        ("listed", [5], "listed[0]"),
        ("row", {"number": None}, "row.number"),
        ("dev/tail", {"value": True}, "dev/tail.value"),
        ("vector", True, "vector"),
    ],
)
def test_errors_deep_in_a_tree_have_the_path_of_the_decoder(
    name: str, wrong: Any, path: str
) -> None:
    with pytest.raises(BadContainer) as caught:
        to_record(Everything, {**TREE, name: wrong}, JSON)
    assert caught.value.where.path in (path, f"extra.{path}")


@pytest.mark.parametrize("text", ["xy", "abc", "0x12", "ab\ncd\0"])
def test_bytes_in_json_are_hexadecimal(text: str) -> None:
    with pytest.raises(BadContainer) as caught:
        to_record(Everything, {**TREE, "data": text}, JSON)
    assert caught.value.where.path == "data"


@given(numbers=st.frozensets(st.integers(0, 63)))
def test_a_set_of_numbers_is_its_ranges(numbers: frozenset[int]) -> None:
    texts = ranges(numbers)
    assert from_ranges(texts, 64) == numbers
    assert sum(text.count("-") + 1 for text in texts) <= max(len(numbers), 0)


@pytest.mark.parametrize(
    "bad",
    [
        ["64"],
        ["0-64"],
        ["-1"],
        ["5-"],
        ["a"],
        [""],
        ["1-2-3"],
        ["5-3"],
        ["99-5"],
        [5],
        [None],
        ["007"],
        [" 5"],
        ["٣"],
        ["9", "1"],
        ["1-3", "2-5"],
        ["1", "2"],
        "0-2",
        None,
    ],
)
def test_only_the_one_way_to_write_a_set_is_read(bad: Any) -> None:
    """What is read must be what would be written, or a file has two forms."""
    with pytest.raises(BadContainer):
        from_ranges(bad, 64)


def _deep_copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _deep_copy(item) for key, item in tree.items()}
    return [_deep_copy(item) for item in tree] if isinstance(tree, list) else tree
