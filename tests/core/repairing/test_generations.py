"""What changes in a stream for another version of QEMU, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.core.repairing.patients import REGISTRY, SWITCHOVER, golden, stream_of
from tests.core.stream.building import PAGE, Device, Recipe, page_item
from virtmig.cli.main import virtmig
from virtmig.errors import Unloadable
from virtmig.repairing.generations import Fitted, fit
from virtmig.stream.opening import Stream, open_stream
from virtmig.virtio.defects import Target, release_of

RSS = golden("virtio-net", "x86-11.1-q35-net2-rss-net-bd64")
BLK = golden("virtio-blk", "x86-5.2-q35-rootport-blk-f191")


def fitted(data: bytes, release: str, machine: str = "") -> Fitted:
    target = Target(release=release_of(release), machine=machine)
    return fit(Stream.from_bytes(data), REGISTRY, target)


def converted(data: bytes, release: str, machine: str, path: Path) -> bytes:
    edits = fitted(data, release, machine).edits
    Stream.from_bytes(data).write(path, edits)
    return path.read_bytes()


def test_an_older_qemu_gets_no_command_and_another_machine_type(tmp_path: Path) -> None:
    """These two and nothing else: the device of this stream is known to both."""
    recipe = Recipe(machine="pc-q35-11.1", middle=SWITCHOVER, devices=(BLK_DEVICE,))
    plain = Recipe(machine="pc-q35-9.2", devices=(BLK_DEVICE,))
    new = converted(recipe.build(), "9.2", "pc-q35-9.2", tmp_path / "new.mig")
    assert new == plain.build()


BLK_DEVICE = Device(BLK.idstr, BLK.payload(), version=BLK.version_id)


def test_a_command_of_another_number_stays(tmp_path: Path) -> None:
    ping = b"\x08\x00\x02\x00\x04ping"
    recipe = Recipe(machine="pc-q35-7.2", middle=ping, devices=(BLK_DEVICE,))
    assert converted(recipe.build(), "7.2", "", tmp_path / "new.mig") == recipe.build()


def test_the_command_stays_for_a_qemu_that_knows_it(tmp_path: Path) -> None:
    recipe = Recipe(machine="pc-q35-10.0", middle=SWITCHOVER, devices=(BLK_DEVICE,))
    assert converted(recipe.build(), "10.0", "", tmp_path / "new.mig") == recipe.build()


def test_devices_are_fitted_and_described(tmp_path: Path) -> None:
    data = converted(stream_of(RSS), "7.2", "pc-q35-7.2", tmp_path / "new.mig")
    stream = Stream.from_bytes(data)
    assert stream.machine == "pc-q35-7.2"
    assert stream.ram().commands == ()
    assert stream.sections[0].size == len(RSS.payload()) - 4 - 36
    assert stream.description is not None
    assert stream.description.devices[0].size == stream.sections[0].size


@pytest.mark.parametrize(
    ("machine", "release", "new", "reason"),
    [
        ("pc-q35-11.1", "10.0", "", "came with QEMU 11.1"),
        ("pc-q35-7.2", "10.0", "pc-q35-10.1", "came with QEMU 10.1"),
        ("pc-q35-4.2", "11.1", "", "5.2 is the oldest"),
        ("s390-ccw-virtio-2.6", "10.0", "", "2.9 is the oldest"),
        ("pc-q35-7.2", "7.2", "pc-i440fx-7.2", "another machine"),
        ("pc-q35-7.2", "4.2", "", "older than 5.2"),
    ],
)
def test_a_target_without_such_a_machine_is_refused(
    machine: str, release: str, new: str, reason: str
) -> None:
    with pytest.raises(Unloadable, match=reason):
        fitted(Recipe(machine=machine, devices=()).build(), release, new)


@pytest.mark.parametrize(
    ("machine", "release"), [("microvm", "7.2"), ("pc-q35-4.0.1", "10.0"), ("pc-q35-5.2", "11.1.3")]
)
def test_a_machine_type_that_the_target_has_is_kept(machine: str, release: str) -> None:
    assert fitted(Recipe(machine=machine, devices=()).build(), release).edits.machine is None


def test_mapped_ram_is_refused_for_a_qemu_without() -> None:
    recipe = Recipe(
        machine="pc-q35-7.2", capabilities=("mapped-ram",), blocks={}, items=(), devices=()
    )
    stream = Stream.from_bytes(recipe.build())
    target = Target(release=release_of("7.2"))
    with pytest.raises(Unloadable, match="mapped-ram came with"):
        fit(stream, REGISTRY, target)
    assert fit(stream, REGISTRY, target, mapped=False).changes == ()


def convert(*words: object) -> Result:
    arguments = ["convert", *map(str, words)]
    return CliRunner().invoke(virtmig, arguments, standalone_mode=False)


def test_the_command_tells_what_it_did(tmp_path: Path) -> None:
    path, out = tmp_path / "rss.mig", tmp_path / "out.mig"
    path.write_bytes(stream_of(RSS))
    done = convert(path, "-o", out, "--to-qemu", "7.2", "--machine", "pc-q35-7.2")
    for text in ("newer-state", "machine type pc-q35-7.2, was pc-q35-11.1", "command 11", "note:"):
        assert text in done.output
    with open_stream(out) as stream:
        assert stream.machine == "pc-q35-7.2"


def test_what_would_be_lost_stops_the_command(tmp_path: Path) -> None:
    """Named with device, field and value; nothing is written."""
    path, out = tmp_path / "rss.mig", tmp_path / "out.mig"
    old, new = (511).to_bytes(4, "big"), (7).to_bytes(4, "big")
    payload = RSS.payload()
    at = payload.index(b"virtio-net-device/rss") + 21 + 4 + 3 + 4
    assert payload[at : at + 4] == old
    path.write_bytes(stream_of(RSS, payload=payload[:at] + new + payload[at + 4 :]))
    done = convert(path, "-o", out, "--to-qemu", "10.0", "--machine", "pc-q35-10.0")
    assert isinstance(done.exception, Unloadable)
    assert "virtio-net:device.virtio-net-device/rss" in str(done.exception)
    assert "supported_hash_types = 7 would be lost" in str(done.exception)
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [("--machine", "pc-q35-7.2"), ("--to-qemu", "7.2", "--to", "cbor"), ("--to-qemu", "new")],
)
def test_wrong_use_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    path, out = tmp_path / "blk.mig", tmp_path / "out.mig"
    path.write_bytes(
        Recipe(
            devices=(BLK_DEVICE,), items=(page_item("pc.ram", 0, bytes(PAGE), named=True),)
        ).build()
    )
    assert convert(path, "-o", out, *words).exception is not None
    assert not out.exists()


def test_repair_says_what_only_a_conversion_changes(tmp_path: Path) -> None:
    path = tmp_path / "rss.mig"
    path.write_bytes(stream_of(RSS))
    words = ["repair", str(path), "--list", "--target", "7.2"]
    done = CliRunner().invoke(virtmig, words, standalone_mode=False)
    assert "note: machine type pc-q35-11.1 came with QEMU 11.1" in done.output
    assert "note: QEMU 7.2 does not know command 11" in done.output


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("pc-q35-5.2", "pc-q35-7.2", ("0000:00:02.0/virtio-net: vectors=3",)),
        ("pc-q35-7.2", "pc-q35-5.2", ("0000:00:02.0/virtio-net: vectors=4",)),
        ("pc-q35-7.2", "pc-q35-10.0", ()),
        ("pc-q35-5.2", "pc-q35-5.2", ()),
    ],
)
def test_options_whose_default_is_another_one(
    old: str, new: str, expected: tuple[str, ...]
) -> None:
    assert fitted(stream_of(RSS, machine=old), "11.1", new).options == expected
