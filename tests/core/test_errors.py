"""Errors: by whose fault, where, and in one line."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from virtmig import errors
from virtmig.errors import VirtmigError, Where, shown

CLASSES = [
    cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, VirtmigError) and cls is not VirtmigError
]
FAMILIES = {
    errors.StreamError: 3,
    errors.DecodeError: 3,
    errors.EncodeError: 3,
    errors.MissingFact: 4,
    errors.EditError: 2,
    errors.PluginError: 4,
    errors.LoadRefused: 5,
    errors.GuestMemoryError: 3,
}
APART = {errors.UnsafeEdit: 5, errors.Unloadable: 5, errors.PatchMismatch: 3}
"""Refusals that are no wrong usage: what is asked for is understood."""


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_of_one_family_and_has_its_exit_code(cls: type[VirtmigError]) -> None:
    family = [one for one in FAMILIES if issubclass(cls, one)]
    assert len(family) == 1
    assert cls.exit_code == APART.get(cls, FAMILIES[family[0]])
    assert cls.__doc__


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (Where(), ""),
        (Where(section="a/virtio-b"), "a/virtio-b"),
        (Where(path="common.isr"), "common.isr"),
        (Where(offset=0), "@0x0"),
        (Where(section="a/virtio-b", path="common.isr", offset=499), "a/virtio-b:common.isr@0x1f3"),
        (Where(section="a", offset=16), "a@0x10"),
    ],
)
def test_a_place_is_section_path_and_offset(where: Where, text: str) -> None:
    assert str(where) == text


def test_an_error_is_place_reason_and_hint() -> None:
    error = VirtmigError("too short", section="a", path="b", offset=1, hint="cut more")
    assert str(error) == "a:b@0x1: too short (cut more)"
    assert str(VirtmigError("too short")) == "too short"


def test_a_path_grows_from_the_inside() -> None:
    error = VirtmigError("bad")
    for name in ("number", "[3]", "rows", "part"):
        error.inside(name)
    assert error.where.path == "part.rows[3].number"


def test_a_section_is_named_by_who_knows_it_first() -> None:
    error = VirtmigError("bad").in_section("first").in_section("second")
    assert error.where.section == "first"


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[2Jb", "a\x00b", "a\x85b", "a\u2028b", "a\udcffb"])
def test_an_error_is_one_line_whatever_is_in_it(text: str) -> None:
    """Names come out of streams, reasons out of plugins: neither may command a terminal."""
    for error in (
        VirtmigError(text),
        VirtmigError("bad", section=text),
        VirtmigError("bad", path=text),
        VirtmigError("bad", hint=text),
    ):
        assert str(error).isprintable()
        assert "a" in str(error)
        assert "b" in str(error)


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "value", [1 << 20_000, "x" * 1000, b"\n" * 500, Unshowable(), [Unshowable()]], ids=range(5)
)
def test_any_value_can_be_shown_in_a_message(value: Any) -> None:
    assert 0 < len(shown(value)) < 100
    assert shown(value).isprintable()


def test_an_error_can_be_sent_to_another_process() -> None:
    """As pytest-xdist and process pools do."""
    error = VirtmigError("bad", section="a", path="b", offset=1, hint="c")
    found = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert str(found) == str(error)
    assert found.where == error.where
