"""`virtmig diff`: two streams, and what one says that the other does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import SAMPLES, Command, Edit

NET = "0000:00:02.0/virtio-net"
BLK = "0000:00:01.0/virtio-blk"


@pytest.fixture
def changed(virtmig: Command, x86: Path, tmp_path: Path) -> Any:
    """Makes a stream by `virtmig edit`, whatever that is for the guest."""

    def make(*arguments: str) -> Path:
        made = tmp_path / "changed.mig"
        done = virtmig("edit", x86, "-o", made, "--unsafe", *arguments)
        assert done.code == 0, done
        return made

    return make


def rows(virtmig: Command, one: Path, other: Path, *more: str) -> dict[str, dict[str, Any]]:
    """By section, what differs by path."""
    done = virtmig("diff", one, other, "--json", *more)
    assert done.code == 1, done
    data = json.loads(done.out)
    assert data["same"] is False
    return {
        each["idstr"]: {row["path"]: row for row in each["differences"]}
        for each in data["sections"]
    }


def test_a_stream_is_the_same_as_itself(virtmig: Command, sample: Path) -> None:
    done = virtmig("diff", sample, sample)
    assert (done.code, done.out, done.err) == (0, "no difference; RAM was not compared\n", "")
    assert json.loads(virtmig("diff", sample, sample, "--json").out)["same"] is True


def test_features_come_by_name_and_once(virtmig: Command, x86: Path, changed: Any) -> None:
    other = changed("--device", "virtio-net", "--set", "common.guest_features-=CTRL_VLAN|STATUS")
    found = rows(virtmig, x86, other)
    assert list(found) == [NET]
    assert list(found[NET]) == ["common.guest_features"]
    assert found[NET]["common.guest_features"]["text"] == "-STATUS -CTRL_VLAN"
    assert (
        f"{NET}\n  common.guest_features  -STATUS -CTRL_VLAN\n" in virtmig("diff", x86, other).out
    )
    back = rows(virtmig, other, x86)
    assert back[NET]["common.guest_features"]["text"] == "+STATUS +CTRL_VLAN"


def test_status_rings_and_fields_are_told_by_what_they_mean(
    virtmig: Command, x86: Path, changed: Any
) -> None:
    other = changed(
        *(
            "--set",
            f"{BLK}:common.status-=DRIVER_OK",
            "--set",
            f"{BLK}:queues[0].last_avail_idx=11",
        ),
        *("--set", f"{NET}:device.mac=52:54:00:00:00:09"),
    )
    found = rows(virtmig, x86, other)
    assert found[BLK]["common.status"]["text"].endswith("(-DRIVER_OK)")
    assert found[BLK]["queues[0].last_avail_idx"]["text"] == (
        "8 -> 11  (requestq: 3 more buffers taken)"
    )
    row = found[NET]["device.mac"]
    assert (row["a"], row["b"]) == ("52:54:00:12:34:56", "52:54:00:00:00:09")


def test_subsections_come_and_go(virtmig: Command, x86: Path, changed: Any) -> None:
    other = changed("--drop-subsection", f"{BLK}:virtio/started")
    path = "subsections.virtio/started"
    assert rows(virtmig, x86, other)[BLK][path]["text"] == "gone"
    row = rows(virtmig, other, x86)[BLK][path]
    assert (row["text"], row["a"], row["b"]) == ("added", None, {"started": True})


def test_configuration_spaces_are_told_by_field(virtmig: Command, edited: Edit, x86: Path) -> None:
    """virtio-net's config follows its length; the link status is two bytes behind the MAC."""

    def link_down(payload: bytes) -> bytes:
        at = payload.index(bytes.fromhex("525400123456")) + 6
        return payload[:at] + b"\0\0" + payload[at + 2 :]

    found = rows(virtmig, x86, edited(x86, "virtio-net", link_down))
    assert found[NET] == {
        "common.config.status": {
            "path": "common.config.status",
            "a": 1,
            "b": 0,
            "text": "1 -> 0",
        }
    }


def test_a_device_that_was_renamed_has_moved_and_is_still_compared(
    virtmig: Command, x86: Path, changed: Any
) -> None:
    new = "0000:00:04.0/virtio-net"
    found = rows(virtmig, x86, changed("--rename", NET, new, "--set", f"{NET}:device.promisc=1"))
    assert list(found) == [NET]
    assert list(found[NET]) == ["idstr", "device.promisc"]
    assert found[NET]["idstr"]["b"] == new


def test_the_machine_type_is_told(virtmig: Command, x86: Path, changed: Any) -> None:
    done = virtmig("diff", x86, changed("--machine", "pc-q35-8.0"))
    assert (done.code, done.out) == (1, "machine  pc-q35-7.2 -> pc-q35-8.0\n")


def test_two_machines_differ_in_everything(virtmig: Command) -> None:
    paths = [SAMPLES / f"{name}.mig" for name in ("x86-q35", "s390x")]
    done = virtmig("diff", *paths, "--json")
    data = json.loads(done.out)
    assert done.code == 1
    told = {row["path"] for row in data["stream"]}
    assert {"machine", "live"} <= told
    assert any(path.startswith("ram.") for path in told)
    assert "timer" in [one["idstr"] for one in data["only_in_a"] + data["sections"]]
    assert any(one["idstr"] == "s390_css" for one in data["only_in_b"])
    moved = {one["idstr"]: one["differences"][0] for one in data["sections"]}
    assert moved[BLK]["b"] == "/fe.0.0000/virtio-blk"


def test_sections_that_nobody_understands_are_compared_by_hash(
    virtmig: Command, edited: Edit, x86: Path
) -> None:
    other = edited(x86, "timer", lambda payload: payload[:-1] + b"\x99")
    done = virtmig("diff", x86, other)
    assert done.code == 1
    assert done.out.startswith("timer  24 bytes, sha256 ")
    row = rows(virtmig, x86, other)["timer"]["payload"]
    assert len(row["a"]) == len(row["b"]) == 64


def test_a_device_without_a_driver_and_a_damaged_one_say_why_they_are_bytes(
    virtmig: Command, edited: Edit, x86: Path
) -> None:
    rng = virtmig("diff", x86, edited(x86, "virtio-rng", lambda payload: payload[:-1] + b"\x09"))
    assert rng.code == 1
    assert "  compared as bytes: NoDriver: " in rng.out
    blk = virtmig("diff", x86, edited(x86, "virtio-blk", lambda payload: payload[:-1] + b"\x09"))
    assert blk.code == 1
    assert "  compared as bytes: NotCanonical: " in blk.out
    assert "  payload  " in blk.out


@pytest.mark.parametrize(
    "glob",
    ["device.promisc", "*promisc", f"{NET}:device.promisc", NET, "*/virtio-net:*", "device.*"],
)
def test_what_is_ignored_does_not_count(
    virtmig: Command, x86: Path, changed: Any, glob: str
) -> None:
    other = changed("--set", f"{NET}:device.promisc=1")
    done = virtmig("diff", x86, other, "--ignore", glob)
    assert (done.code, done.out.splitlines()[0]) == (0, "ignored: 1")


@pytest.mark.parametrize("glob", ["promisc", "device", "queues[0].*", "virtio-net", ""])
def test_a_pattern_has_to_fit_all_of_a_place(
    virtmig: Command, x86: Path, changed: Any, glob: str
) -> None:
    other = changed("--set", f"{NET}:device.promisc=1")
    assert virtmig("diff", x86, other, "--ignore", glob).code == 1


def test_indices_in_a_pattern_are_indices(virtmig: Command, x86: Path, changed: Any) -> None:
    other = changed("--set", f"{BLK}:queues[0].last_avail_idx=11")
    assert virtmig("diff", x86, other, "--ignore", "queues[1].last_avail_idx").code == 1
    assert virtmig("diff", x86, other, "--ignore", "queues[0].last_avail_idx").code == 0
    assert virtmig("diff", x86, other, "--ignore", "queues[*].last_avail_idx").code == 0


def test_a_stream_and_its_packed_devices_are_the_same(
    virtmig: Command, sample: Path, tmp_path: Path
) -> None:
    box = tmp_path / "devices.cbor"
    assert virtmig("pack", sample, "-o", box).code == 0
    for pair in ((sample, box), (box, sample)):
        done = virtmig("diff", *pair)
        assert (done.code, done.err) == (0, ""), done


def test_rings_that_cannot_be_read_are_noted(virtmig: Command, x86: Path, changed: Any) -> None:
    done = virtmig("diff", x86, changed("--set", f"{NET}:device.promisc=1"), "--rings")
    assert "note: the rings' own indices are not compared: " in done.out


def test_errors_end_as_they_do_elsewhere(virtmig: Command, x86: Path, tmp_path: Path) -> None:
    assert "No such file" in virtmig("diff", x86, tmp_path / "nothing").complaint(3)
    cut = tmp_path / "cut.mig"
    cut.write_bytes(x86.read_bytes()[:1000])
    assert str(cut) in virtmig("diff", cut, x86).complaint(3)
    virtmig("diff", x86).usage()


def test_nothing_is_decoded_if_nothing_differs(
    virtmig: Command, x86: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams of the same bytes are told to be the same at once, whatever is in them."""
    copy = tmp_path / "copy.mig"
    copy.write_bytes(x86.read_bytes())
    monkeypatch.setattr("virtmig.comparing.streams.read_device", None)
    assert virtmig("diff", x86, copy).code == 0


def test_edit_and_diff_agree_on_paths(virtmig: Command, x86: Path, changed: Any) -> None:
    other = changed("--set", f"{NET}:queues[1].num=128")
    assert rows(virtmig, x86, other)[NET]["queues[1].num"]["b"] == 128


def test_a_set_is_one_value_at_one_path(virtmig: Command, x86: Path, changed: Any) -> None:
    found = rows(virtmig, x86, changed("--set", "device.vlans=5"))
    assert {path: row["text"] for path, row in found[NET].items()} == {"device.vlans": "0 -> 5"}
