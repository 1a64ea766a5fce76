"""Every subcommand on real streams, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import SAMPLES, Command, Edit
from virtmig import __version__
from virtmig.cli.main import COMMANDS
from virtmig.formats.view import SCHEMA
from virtmig.hooks.registry import Registry
from virtmig.reading import virtio_sections
from virtmig.stream.opening import open_stream
from virtmig.virtio.order import LOAD, PARTS, SAVE, Per

DEVICES = ["virtio-blk", "virtio-net", "virtio-rng"]

COMMON_LOAD = [step for step in LOAD if step.per is not Per.OUTER]
COMMON_SAVE = [step for step in SAVE if step.per is not Per.OUTER]


def answer(virtmig: Command, *arguments: object, code: int = 0) -> dict[str, Any]:
    """What a command prints with --json."""
    done = virtmig(*arguments, "--json")
    assert done.code == code, done
    assert done.err == ""
    data: dict[str, Any] = json.loads(done.out)
    assert data["schema"] == SCHEMA
    return data


def test_inspect_shows_every_device(virtmig: Command, sample: Path) -> None:
    done = virtmig("inspect", sample)
    assert (done.code, done.err) == (0, "")
    with open_stream(sample) as stream:
        for section in virtio_sections(stream, Registry()):
            assert f"\n{section.idstr}  " in done.out
    assert "VERSION_1" in done.out
    assert "last_avail_idx" in done.out
    assert "52:54:00" in done.out


def test_inspect_gives_five_parts_to_scripts(virtmig: Command, sample: Path) -> None:
    data = answer(virtmig, "inspect", sample)
    assert data["file"] == str(sample)
    assert [one["idstr"].split("/")[-1] for one in data["devices"]] == DEVICES
    for device in data["devices"]:
        if "error" not in device:
            assert list(device["state"]) == list(PARTS)
            assert {"idstr", "instance_id", "version_id", "transport", "device"} <= set(device)


def test_inspect_agrees_with_the_monitor(virtmig: Command, sample: Path) -> None:
    truth = json.loads(sample.with_suffix(".truth.json").read_text())["devices"]
    data = answer(virtmig, "inspect", sample)
    for device, ident in zip(data["devices"], ("blk0", "net0"), strict=False):
        told, common = truth[ident], device["state"]["common"]
        assert device["guest_features"] == told["guest_features"]
        assert (common["status"], common["isr"]) == (told["status"], told["isr"])
        assert common["nq"] == told["num_queues"]
        for ring, queue in zip(device["rings"], told["queues"], strict=True):
            for name in ("num", "desc", "avail", "used", "last_avail_idx"):
                assert ring[name] == queue[name]


def test_inspect_rings_says_why_there_is_no_memory(virtmig: Command, sample: Path) -> None:
    """The samples were saved with guest memory left out."""
    assert "note: " in virtmig("inspect", "--rings", sample).out
    assert answer(virtmig, "inspect", "--rings", sample)["memory"]
    assert answer(virtmig, "inspect", sample)["memory"] == ""


def test_sections_lists_the_whole_stream(virtmig: Command, sample: Path) -> None:
    data = answer(virtmig, "sections", sample)
    with open_stream(sample) as stream:
        assert [one["idstr"] for one in data["sections"] if one["kind"] == "FULL"] == [
            one.idstr for one in stream.sections
        ]
        assert data["machine"] == stream.machine
        assert "x-ignore-shared" in data["capabilities"]
        for row, section in zip(data["sections"][-3:], stream.sections[-3:], strict=True):
            assert (row["start"], row["size"]) == (section.start, section.size)
    lines = virtmig("sections", sample).out.splitlines()
    assert len(lines) == len(data["sections"]) + 8


def test_load_takes_every_device_through_the_hooks(virtmig: Command, sample: Path) -> None:
    done = virtmig("load", sample)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("  loaded\n") == 2
    assert done.out.count("  kept as bytes\n") == 1


def test_load_trace_prints_each_documented_step(virtmig: Command, sample: Path) -> None:
    done = virtmig("load", "--trace", sample)
    places = [done.out.index(f"  {step.name}") for step in COMMON_LOAD]
    assert places == sorted(places)
    for step in COMMON_LOAD:
        assert done.out.count(f"{step.party.value:<17} {step.name}") >= 2


def test_load_trace_of_a_save_has_both_directions(
    virtmig: Command, sample: Path, tmp_path: Path
) -> None:
    data = answer(virtmig, "load", sample, "--save", tmp_path / "out.mig")
    trace = [row["step"].split("[")[0].split(" ")[0] for row in data["devices"][0]["trace"]]
    names = list(dict.fromkeys(trace))
    expected = [step.name for step in (*COMMON_LOAD, *COMMON_SAVE)]
    assert names == [name for name in expected if name in names]
    assert set(expected) - set(names) == set()


def test_load_save_gives_the_same_file(virtmig: Command, sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mig"
    done = virtmig("load", sample, "--save", out)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("saved, identical") == 2
    assert f"wrote {out}" in done.out
    assert out.read_bytes() == sample.read_bytes()


def test_load_save_onto_itself(virtmig: Command, sample: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mig"
    copy.write_bytes(sample.read_bytes())
    copy.chmod(0o640)
    assert virtmig("load", copy, "--save", copy).code == 0
    assert copy.read_bytes() == sample.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["copy.mig"]


def test_pack_and_unpack_give_the_payloads_back(
    virtmig: Command, sample: Path, tmp_path: Path
) -> None:
    box, folder = tmp_path / "box.cbor", tmp_path / "folder"
    packed = answer(virtmig, "pack", sample, "-o", box)
    assert (packed["devices"], packed["typed"], packed["bytes"]) == (3, 2, box.stat().st_size)
    found = answer(virtmig, "unpack", box, "-o", folder)
    assert found["provenance"]["file"] == sample.name
    assert found["written"] == sorted(str(path) for path in folder.iterdir())
    with open_stream(sample) as stream:
        expected = [stream.payload(section) for section in virtio_sections(stream, Registry())]
    assert [Path(name).read_bytes() for name in found["written"]] == expected
    assert [Path(name).name[-14:] for name in found["written"]] == [
        f"{name}.bin" for name in DEVICES
    ]


def test_unpack_into_a_stream_gives_the_same_file(
    virtmig: Command, sample: Path, tmp_path: Path
) -> None:
    box, out = tmp_path / "box.cbor", tmp_path / "out.mig"
    assert virtmig("pack", sample, "-o", box).code == 0
    done = virtmig("unpack", box, "--into", sample, "-o", out)
    assert (done.code, done.err, done.out) == (0, "", f"wrote {out}\n")
    assert out.read_bytes() == sample.read_bytes()


def test_unpack_into_puts_changed_devices_back(
    virtmig: Command, x86: Path, tmp_path: Path, edited: Edit
) -> None:
    """The state of one moment into the stream of another."""
    changed = edited(x86, "virtio-net", lambda data: data.replace(b"RT\x00\x124V", b"RT\x00\x124W"))
    assert changed.read_bytes() != x86.read_bytes()
    box, out = tmp_path / "box.cbor", tmp_path / "out.mig"
    assert virtmig("pack", changed, "-o", box).code == 0
    assert virtmig("unpack", box, "--into", x86, "-o", out).code == 0
    assert out.read_bytes() == changed.read_bytes()


@pytest.mark.parametrize("name", ["virtio-net", "0000:00:02.0/virtio-net", "net"])
def test_explain_names_the_field_of_a_byte(virtmig: Command, x86: Path, name: str) -> None:
    done = virtmig("explain", x86, name, "--at", "0x14")
    assert (done.code, done.err) == (0, "")
    first, *rows = done.out.splitlines()
    assert first == "0000:00:02.0/virtio-net:config.header.bar0@0x14"
    words = {row.split()[0]: row for row in rows}
    assert {"byte", "type", "meaning", "declared"} <= set(words)
    assert "virtmig_pci.config.PciHeader" in words["declared"]


def test_explain_says_where_in_the_file_the_byte_is(virtmig: Command, x86: Path) -> None:
    with open_stream(x86) as stream:
        section = next(
            one for one in virtio_sections(stream, Registry()) if one.idstr.endswith("net")
        )
        payload = stream.payload(section)
    for offset in (0, 100, 1000, len(payload) - 1):
        done = virtmig("explain", x86, "virtio-net", "--at", offset)
        row = next(line for line in done.out.splitlines() if line.startswith("  in file"))
        place = int(row.split()[-1], 16)
        assert x86.read_bytes()[place] == payload[offset]


def test_explain_gives_the_same_to_scripts(virtmig: Command, x86: Path) -> None:
    data = answer(virtmig, "explain", x86, "virtio-net", "--at", 20)
    assert data["path"] == "config.header.bar0"
    assert (data["at"], data["start"]) == (20, 20)
    assert data["section"] == "0000:00:02.0/virtio-net"


def test_plugins_lists_what_is_installed(virtmig: Command) -> None:
    data = answer(virtmig, "plugins")
    rows = {row["name"]: row for row in data["plugins"]}
    assert set(rows) >= {"virtio-pci", "virtio-ccw", "virtio-net", "virtio-blk"}
    assert rows["virtio-pci"]["kind"] == "transport"
    assert rows["virtio-net"]["kind"] == "device"
    assert rows["virtio-net"]["distribution"] == "virtmig-net"
    assert rows["virtio-net"]["entry_point"] == "virtmig_net.live:plugin"
    assert rows["virtio-net"]["error"] == ""
    text = virtmig("plugins").out
    for name, row in rows.items():
        assert name in text
        assert row["entry_point"] in text


def test_the_version_is_the_distributions(virtmig: Command) -> None:
    assert virtmig("--version").out == f"virtmig, version {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_that_names_its_options(virtmig: Command, command: str) -> None:
    done = virtmig(command, "--help")
    assert done.code == 0
    assert "--json" in done.out
    assert done.out.startswith(f"Usage: virtmig {command}")


def test_help_lists_every_command(virtmig: Command) -> None:
    done = virtmig("--help")
    assert done.code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.out


def test_a_fact_can_be_given(virtmig: Command, x86: Path) -> None:
    data = answer(virtmig, "inspect", x86, "--fact", "pci_config_size=256")
    sources = {fact["name"]: fact["source"] for fact in data["devices"][0]["facts"]}
    assert sources["pci_config_size"] == "given"


def test_the_samples_are_there() -> None:
    assert {path.name for path in SAMPLES.glob("*.mig")} == {"x86-q35.mig", "s390x.mig"}
