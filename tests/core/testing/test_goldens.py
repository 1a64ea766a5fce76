"""Goldens of a plugin: read, compared with the monitor, missing, damaged, of another device."""

# ruff: noqa: E501  pieces of source text are lines as they are

from __future__ import annotations

import hashlib
import lzma
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.core.material import facts_of, pick, state_of
from tests.core.testing.trial import Made, Workshop, kit_of, laws_of, outcome, rows_of, taken_notes
from virtmig.errors import BadContainer, NoDriver
from virtmig.hooks.registry import Drivers, Registry
from virtmig.testing import add_golden, read_goldens
from virtmig.testing.subject import Subject
from virtmig.virtio.facts import Fact, Source

SAMPLE = Path(__file__).parents[3] / "samples/x86-q35.mig"
BLK = pick("virtio-blk", lambda state: state.has_feature(32))


def echo_payload(made: Made, version: int = 2) -> bytes:
    """A section of an echo device on a real bus, with what else a real device has."""
    echo = made.module("state")
    record = echo.EchoState(
        counter=7,
        limit=9,
        tag=b"echo\0\0\0\0",
        muted=True,
        pitch=4 if state_of(BLK).common.guest_features_lo >> 1 & 1 else None,
        volume=5,
        points_len=1,
        points=(echo.Point(delay=3, queue=1),),
        gain=50 if version > 1 else None,
    )
    facts = [Fact(name, value, Source.GIVEN) for name, value in facts_of(BLK).items()]
    state = attrs.evolve(
        state_of(BLK),
        device=record,
        facts=(*facts, Fact("echo_loud", True, Source.GIVEN)),
    )
    subject = Subject("device", "virtio-echo")
    transport = Registry().transport(BLK.idstr.rpartition("/")[0], BLK.machine)
    return Drivers(transport, subject.bound).envelope.unparse(state, version)


def with_golden(made: Made, payload: bytes = b"", **changes: Any) -> Made:
    """Put one golden beside the plugin."""
    payload = payload or echo_payload(made)
    folder = made.folder / "goldens"
    folder.mkdir()
    (folder / "one.xz").write_bytes(lzma.compress(payload))
    table = {
        "name": '"one"',
        "file": '"one.xz"',
        "sha256": f'"{hashlib.sha256(payload).hexdigest()}"',
        "idstr": '"0000:00:03.0/virtio-echo"',
        "version_id": "2",
        "machine": '"pc-q35-7.2"',
        "truth": '{ "device.counter" = 7, "device.tag" = "6563686f00000000" }',
    }
    text = "\n".join(f"{key} = {value}" for key, value in {**table, **changes}.items())
    (folder / "manifest.toml").write_text(f"[[golden]]\n{text}\n")
    return made


def test_a_good_golden_passes_all_laws_that_look_at_it(workshop: Workshop) -> None:
    kit = kit_of(with_golden(workshop.device()))
    for law in (
        "goldens",
        "goldens_live",
        "names_fit_goldens",
        "truncation",
        "any_bytes",
        "hostile_counts",
        "agree",
    ):
        assert outcome(kit, law) == ""
    notes = taken_notes()
    assert any("no golden has version 1" in note for note in notes)
    assert any("EchoState.log" in note for note in notes)
    assert not any("EchoState.volume" in note for note in notes)


def test_a_truth_of_no_field_names_those_that_are_like_it(workshop: Workshop) -> None:
    made = with_golden(workshop.device(), truth='{ "device.point[0].delay" = 3 }')
    assert "did you mean device.points[0].delay" in rows_of(outcome(kit_of(made), "goldens"))["do"]
    (made.folder / "goldens/manifest.toml").unlink()
    (made.folder / "goldens/one.xz").unlink()
    (made.folder / "goldens").rmdir()
    with_golden(made, truth='{ "common.queue[0].desc" = 3 }')
    assert " or " in rows_of(outcome(kit_of(made), "goldens"))["do"].partition("?")[0]


@pytest.mark.parametrize(
    "damage", [{"sha256": '"00"'}, {"version_id": "3"}, {"file": '"two.xz"'}, {"version_id": '"2"'}]
)
def test_one_bad_golden_fails_one_law(workshop: Workshop, damage: dict[str, str]) -> None:
    kit = kit_of(with_golden(workshop.device(), **damage), examples=4)
    said = {law: outcome(kit, law) for law in laws_of(kit)}
    assert [law for law, text in said.items() if text.startswith("law: ")] == ["goldens"]
    assert sum("the law `goldens` comes first" in text for text in said.values()) > 5


WRONG: dict[str, tuple[str, dict[str, str], dict[str, str], str, str]] = {
    "fields in the wrong order": (
        "goldens",
        {},
        {
            '    counter: int = wire(be16, "requests answered since the last reset")\n': "",
            "    tag: bytes = wire(raw(8)": '    counter: int = wire(be16, "answered so far")\n'
            '    tag: bytes = wire(raw(8)',
        },
        "EchoState.counter",
        "the manifest says 7",
    ),
    "the wrong byte order": (
        "goldens", {}, {"counter: int = wire(be16": "counter: int = wire(le16", "be16, be32,":
                        "be16, be32, le16,"}, "EchoState.counter", "byte order",
    ),
    "the wrong width": ("goldens", {}, {"muted: bool = wire(boolean": "muted: int = wire(be32"}, "", "QEMU"),
    "a field too few": (
        "goldens", {}, {'    gain: int | None = wire(be16, "amplification in percent", when=since(2))\n': "",
                        "            gain=device.gain,\n": "",
                        "        device.gain = 100 if state.gain is None else state.gain\n": ""},
        "", "QEMU",
    ),
    "an old version": ("goldens", {"version_id": "1"}, {}, "", ""),
    "a version that is not declared": ("goldens", {"version_id": "3"}, {}, "version", "1 to 2"),
    "another checksum": ("goldens", {"sha256": '"00"'}, {}, "", "sha256"),
    "a file that is not there": ("goldens", {"file": '"two.xz"'}, {}, "", "two.xz"),
    "a path of no installed bus": (
        "goldens", {"idstr": '"nowhere/virtio-echo"'}, {}, "nowhere", "no transport driver",
    ),
    "a truth that is another": (
        "goldens", {"truth": '{ "device.limit" = 10 }'}, {}, "EchoState.limit", "says 10",
    ),
    "a truth of no field": ("goldens", {"truth": '{ "device.limits" = 10 }'}, {}, "device.limits", "path"),
    "a key that is unknown": ("goldens", {"colour": '"red"'}, {}, "goldens", "colour"),
    "a load that refuses it": (
        "goldens_live", {}, {"if (state.volume is not None) is not device.loud":
                             "if state.counter == 7 or (state.volume is not None) is not device.loud"},
        "device.volume", "create hook",
    ),
    "a load that loses something": (
        "goldens_live", {}, {"device.limit = state.limit": "device.limit = 100"}, "EchoState.limit", "loaded 9",
    ),
    "a queue without a role": (
        "names_fit_goldens", {}, {'queue_names=("requestq", "answerq")': 'first_queues=("",)',
                                  '            control_queue="controlq",\n': ""},
        "queue_names", "has no role",
    ),
    "a configuration space that is too long": (
        "names_fit_goldens", {}, {'control_queue="controlq",': 'control_queue="controlq", config_space={"level": 4096},'},
        "config_space", "end inside 'level', 0 to 4096",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_golden_shows_what_is_wrong(workshop: Workshop, name: str) -> None:
    law, manifest, changes, field, says = WRONG[name]
    good = workshop.device()
    payload = echo_payload(good)
    made = with_golden(workshop.device(changes), payload, **manifest if law else {})
    said = outcome(kit_of(made), law)
    rows = rows_of(said)
    assert rows.get("law", "").startswith(f"{law}: "), said or "nothing was found"
    assert field in rows.get("field", ""), said
    assert says in " ".join(rows.values()), said
    assert rows["do"], said


def test_without_goldens_a_newcomer_is_told_how_to_make_one(workshop: Workshop) -> None:
    said = outcome(kit_of(workshop.device()), "goldens")
    assert said.startswith("skipped: no goldens yet of virtio-echo. ")
    assert "add_golden" in said


def test_goldens_of_another_driver_count_for_nothing(workshop: Workshop) -> None:
    made = with_golden(workshop.device(), idstr='"0000:00:03.0/virtio-blk"')
    said = outcome(kit_of(made), "goldens")
    assert said.startswith("skipped: no goldens yet of virtio-echo (only of virtio-blk). ")


@pytest.mark.parametrize("how", ["attribute", "environment"])
def test_a_published_plugin_has_goldens(
    workshop: Workshop, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "environment":
        monkeypatch.setenv("VIRTMIG_PUBLISHED", "1")
    kit = kit_of(workshop.device(), published=how == "attribute")
    assert rows_of(outcome(kit, "goldens"))["found"] == "there are no goldens of virtio-echo"


def test_a_golden_is_taken_out_of_a_stream_once(tmp_path: Path) -> None:
    about: dict[str, Any] = {
        "qemu": "7.2",
        "facts": {"multiqueue": False},
        "truth": {"device.mac": "52:54:00:12:34:56", 'a"b': [1, True]},
    }
    one = add_golden(tmp_path / "g", SAMPLE, "0000:00:02.0/virtio-net", **about)
    again = add_golden(tmp_path / "g", SAMPLE, "0000:00:02.0/virtio-net", name="other")
    two = add_golden(tmp_path / "g", SAMPLE, "0000:00:03.0/virtio-rng", name="rng")
    found = read_goldens(tmp_path / "g")
    assert again.name == one.name
    assert [golden.name for golden in found] == [one.name, two.name]
    assert found == [one, two]
    assert found[0].machine.startswith("pc-q35")
    assert len(found[0].payload()) > 1000
    assert sorted(path.name for path in (tmp_path / "g").iterdir()) == sorted(
        ["manifest.toml", f"{one.name}.xz", "rng.xz"]
    )


def test_a_section_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoDriver, match="virtio-echo") as caught:
        add_golden(tmp_path, SAMPLE, "0000:00:02.0/virtio-echo")
    assert "0000:00:02.0/virtio-net" in caught.value.hint


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text("[[golden")
    with pytest.raises(BadContainer, match=r"manifest\.toml"):
        read_goldens(tmp_path)
    assert read_goldens(tmp_path / "nothing") == []


def test_a_hook_that_fails_with_any_state_is_not_blamed_on_the_golden(workshop: Workshop) -> None:
    kit = kit_of(
        with_golden(workshop.device({"        return EchoState(": "        return dict("}))
    )
    assert rows_of(outcome(kit, "load_save"))["field"] == "save_device"
    assert outcome(kit, "goldens_live") == "skipped: the law `load_save` comes first"
