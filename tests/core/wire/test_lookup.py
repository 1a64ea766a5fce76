"""From a dotted path to the field that declares it."""

from __future__ import annotations

import pytest

from tests.core.wire.test_plain import RECORDS, Everything, Row, Tail, Vector
from virtmig.wire.compound import struct
from virtmig.wire.lookup import find_field
from virtmig.wire.scope import Scope

SCOPE = Scope(records=RECORDS)


@pytest.mark.parametrize(
    ("path", "cls", "name"),
    [
        ("number", Everything, "number"),
        ("data", Everything, "data"),
        ("row", Everything, "row"),
        ("row.number", Row, "number"),
        ("rows[3].number", Row, "number"),
        ("rows[3]", Everything, "rows"),
        ("numbers[1]", Everything, "numbers"),
        ("listed[0].number", Row, "number"),
        ("vector", Vector, "vector"),
        ("dev/tail", Everything, "tail"),
        ("dev/tail.value", Tail, "value"),
        ("tail.value", Tail, "value"),
    ],
)
def test_a_path_leads_to_its_field(path: str, cls: type, name: str) -> None:
    found = find_field(struct(Everything), path, SCOPE)
    assert found is not None
    assert (found[0].cls, found[1].name) == (cls, name)


@pytest.mark.parametrize(
    "path", ["", "[3]", "nothing", "row.nothing", "number.more", "dev/other", "rows[0].number.x"]
)
def test_a_path_to_no_field_leads_to_nothing(path: str) -> None:
    assert find_field(struct(Everything), path, SCOPE) is None
