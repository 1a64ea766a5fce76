"""One device as JSON and as text: what people and their scripts read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.core.formats.boxes import SMALL_PAYLOAD, section, toasters
from tests.core.material import OURS, drivers_of, pick, state_of
from tests.golden import Golden
from virtmig.errors import DecodeError, GuestMemoryError, NoDriver, PluginError, VirtmigError
from virtmig.formats.report import device_lines, tree_lines
from virtmig.formats.view import device_view, error_view
from virtmig.reading import Decoded, Undecoded, target_endian
from virtmig.virtio.drivers import DeviceDriver

goldens = pytest.mark.parametrize("golden", OURS, ids=str)
PARTS = ["config", "common", "queues", "device", "subsections"]
BLK = pick("virtio-blk", lambda s: s.has_feature(32) and not s.has_feature(34))
PACKED = pick("virtio-net", lambda s: s.has_feature(34))


class Memory:
    """Guest memory that has 0x0102 wherever one looks, or nothing at all."""

    def __init__(self, word: bytes | None = b"\x02\x01") -> None:
        self.word = word

    def read(self, address: int, size: int, /) -> bytes:
        if self.word is None or size != 2:
            raise GuestMemoryError("not there")
        return self.word


def decoded(golden: Golden) -> Decoded:
    place = section(golden.idstr, golden.version_id, len(golden.payload))
    endian = target_endian(golden.machine, golden.idstr)
    return Decoded(place, drivers_of(golden), state_of(golden), endian)


def view(golden: Golden, memory: Any = None) -> dict[str, Any]:
    return device_view(decoded(golden), memory)


@goldens
def test_a_device_has_exactly_the_five_parts_under_qemus_names(golden: Golden) -> None:
    shown = view(golden)
    assert list(shown["state"]) == PARTS
    assert shown["idstr"] == golden.idstr
    assert shown["instance_id"] == golden.instance_id
    assert shown["version_id"] == golden.version_id
    assert shown["device"] == golden.device
    assert shown["transport"] == ("virtio-pci" if golden.arch == "x86" else "virtio-ccw")


@goldens
def test_a_view_is_json_and_nothing_else(golden: Golden) -> None:
    shown = view(golden, Memory())
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown


@goldens
def test_everything_beside_the_parts_is_said_in_them(golden: Golden) -> None:
    """Names and summaries are for reading; no number is only there."""
    shown, state = view(golden), state_of(golden)
    assert shown["guest_features"] == state.guest_features
    assert len(shown["feature_names"]) == state.guest_features.bit_count()
    assert len(shown["status_names"]) == state.common.status.bit_count()
    assert not any(name.startswith("BIT_") for name in shown["feature_names"])
    assert [fact["name"] for fact in shown["facts"]] == [fact.name for fact in state.facts]
    assert len(shown["rings"]) == sum(1 for queue in state.queues if queue.desc)
    for ring in shown["rings"]:
        queue = shown["state"]["queues"][ring["index"]]
        for name in ("num", "desc", "last_avail_idx"):
            assert ring[name] == queue[name]


def test_each_queue_has_the_name_of_its_role() -> None:
    golden = pick("virtio-net", lambda s: len(s.queues) == 5 and all(q.desc for q in s.queues))
    names = [ring["name"] for ring in view(golden)["rings"]]
    assert names[:4] == ["receiveq", "transmitq"] * 2
    assert names[4] not in ("receiveq", "transmitq")


def test_a_split_ring_has_its_own_indices_only_with_memory() -> None:
    assert "avail_idx" not in view(BLK)["rings"][0]
    ring = view(BLK, Memory())["rings"][0]
    assert (ring["avail_idx"], ring["used_idx"]) == (0x0102, 0x0102)
    assert ring["inuse"] == (ring["last_avail_idx"] - 0x0102) & 0xFFFF
    assert "not there" in view(BLK, Memory(None))["rings"][0]["unread"]


def test_a_packed_ring_needs_no_memory() -> None:
    shown = view(PACKED, Memory(None))
    rows = state_of(PACKED).subsections.packed_virtqueues.vq  # type: ignore[union-attr]
    for ring in shown["rings"]:
        assert ring["packed"] is True
        assert ring["used_idx"] == rows[ring["index"]].used_idx
        assert "unread" not in ring


def test_a_device_that_was_not_decoded_says_why() -> None:
    place = section("0000:00:09.0/virtio-toaster", 1, 5)
    error = NoDriver("no device driver", section=place.idstr, hint="pip install virtmig-toaster")
    shown = device_view(Undecoded(place, error), None)
    assert shown["error"]["type"] == "NoDriver"
    assert shown["error"]["hint"] == "pip install virtmig-toaster"
    assert shown["error"]["section"] == place.idstr
    assert "state" not in shown
    lines = list(device_lines(shown))
    assert "not decoded" in lines[0]
    assert "pip install virtmig-toaster" in lines[1]


def test_an_error_is_data_with_its_place() -> None:
    error = DecodeError("too short", section="a/virtio-b", path="common.isr", offset=7, hint="more")
    assert error_view(error) == {
        "type": "DecodeError",
        "message": "a/virtio-b:common.isr@0x7: too short (more)",
        "section": "a/virtio-b",
        "path": "common.isr",
        "offset": 7,
        "reason": "too short",
        "hint": "more",
    }


class Moody:
    """A summary that fails, or is no data."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __call__(self, state: Any) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [RuntimeError("burnt"), KeyError("x"), {"a": b"bytes"}])
def test_a_summary_that_fails_is_the_plugins_fault(answer: Any) -> None:
    """One plugin's view must not keep a stream's other devices from being shown."""
    registry = toasters()
    plugin = registry.device("virtio-toaster")
    plain = plugin.driver
    moody = DeviceDriver(
        name=plain.name, device_id=1, version=1, state=plain.state, view=Moody(answer)
    )
    plugin.driver = moody
    drivers = registry.drivers("bus/virtio-toaster", "")
    state = drivers.envelope.parse(SMALL_PAYLOAD, 1)
    device = Decoded(section("bus/virtio-toaster", 1, 26), drivers, state, "little")
    try:
        shown = device_view(device, None)
    except VirtmigError as error:
        assert isinstance(error, PluginError)
        assert "a test" in str(error)
    else:
        assert "a test" in json.dumps(shown)


@goldens
def test_lines_are_plain_text_of_a_readable_width(golden: Golden) -> None:
    for line in device_lines(view(golden, Memory())):
        assert line.isprintable()
        assert line == line.rstrip()
        assert len(line) < 200


@goldens
def test_names_and_values_are_apart(golden: Golden) -> None:
    """A name of 24 letters is as readable as one of three."""
    lines = list(device_lines(view(golden)))
    for part in ("common", "device"):
        for name, value in view(golden)["state"][part].items():
            if isinstance(value, int):
                assert any(
                    line.split()[:1] == [name] and len(line.split()) == 2 for line in lines
                ), name


@goldens
def test_the_first_line_names_device_transport_and_version(golden: Golden) -> None:
    first = next(iter(device_lines(view(golden))))
    transport = "virtio-pci" if golden.arch == "x86" else "virtio-ccw"
    assert first == f"{golden.idstr}  {golden.device} on {transport}, version {golden.version_id}"


def test_equal_rows_are_on_one_line() -> None:
    lines = list(tree_lines("rows", [{"a": 1}, {"a": 1}, {"a": 2}]))
    assert [line.split() for line in lines] == [
        ["rows", "3"],
        ["[0-1]", "a", "1"],
        ["[2]", "a", "2"],
    ]


def test_large_numbers_are_hexadecimal_and_long_texts_are_cut() -> None:
    assert next(tree_lines("name", 65536)).split() == ["name", "0x10000"]
    assert next(tree_lines("name", 65535)).split() == ["name", "65535"]
    assert next(tree_lines("name", True)).split() == ["name", "yes"]
    assert next(tree_lines("name", "ab" * 200)).endswith("(400 characters)")
    assert next(tree_lines("name", "00" * 200)).endswith("zero (200 bytes)")


@pytest.mark.parametrize("value", [{}, [], [{}], [{"a": []}], [1, {"a": 1}], [[1], [2]], None, ""])
def test_any_tree_can_be_printed(value: Any) -> None:
    """A summary is a plugin's, and may be any plain data."""
    assert list(tree_lines("name", value))
