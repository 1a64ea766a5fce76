"""Every edit leaves a patch that takes it back to the byte, and fits no other stream."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.editing.asking import SAMPLES, asked
from tests.core.stream.building import noise
from virtmig.editing import patches
from virtmig.editing.hunks import hunks
from virtmig.editing.plan import EditPlan, plan_edits
from virtmig.editing.requests import Bytes, Machine, Rename, Request
from virtmig.editing.writing import write_plan
from virtmig.errors import BadValue, Contradiction, PatchMismatch, UnsafeEdit
from virtmig.hooks.registry import Registry
from virtmig.stream.opening import Stream, open_stream
from virtmig.wire.meaning import Risk

EDITS: dict[str, list[Request]] = {
    "mac": asked("device.mac=52:54:00:00:00:01"),
    "longer": asked('device.mac_table_macs=["52:54:00:00:00:01", "52:54:00:00:00:02", '
                    '"52:54:00:00:00:03"]'),
    "shorter": asked("device.mac_table_macs=[]", "virtio-blk:virtio/started"),
    "features": asked("virtio-net:common.guest_features-=CTRL_GUEST_OFFLOADS"),
    "made": asked("virtio-blk:subsections.virtio/broken.broken=true"),
    "several": asked("virtio-blk:common.isr+=CONFIG", "virtio-net:common.isr+=CONFIG"),
    "name": [Rename("virtio-blk", "a/longer/path/virtio-blk")],
    "machine": [Machine("another-machine-1.0")],
    "all": [
        *asked("device.mac_table_macs=[]", "virtio-blk:common.isr+=CONFIG"),
        Rename("virtio-net", "x/virtio-net"),
        Machine("m"),
    ],
}  # fmt: skip


def undone(path: Path, folder: Path, registry: Registry, requests: list[Request]) -> bytes:
    """What is left after an edit that was taken back."""
    made, back, undo = folder / "made.mig", folder / "back.mig", folder / "undo.json"
    with open_stream(path) as stream:
        plan = plan_edits(stream, registry, requests)
        write_plan(stream, plan, str(made), str(undo), unsafe=True)
    assert made.read_bytes() != path.read_bytes()
    with open_stream(made) as stream:
        plan = plan_edits(stream, registry, patches.read(undo.read_bytes()))
        assert plan.risk is Risk.SAFE
        write_plan(stream, plan, str(back))
    return back.read_bytes()


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_taken_back_to_the_byte(
    path: Path, tmp_path: Path, registry: Registry, name: str
):
    assert undone(path, tmp_path, registry, EDITS[name]) == path.read_bytes()


@given(old=st.binary(max_size=40), new=st.binary(max_size=40))
def test_hunks_make_the_one_of_the_other(old: bytes, new: bytes):
    made = tuple(hunks(old, new))
    patch = Bytes(
        idstr="x",
        instance_id=0,
        before=hashlib.sha256(old).digest(),
        after=hashlib.sha256(new).digest(),
        hunks=made,
        new_idstr="x",
    )
    assert patches.patched(old, patch) == new
    assert all(hunk.old != hunk.new for hunk in made)


@pytest.mark.parametrize("size", [10_000, 100_000])
def test_large_payloads_are_compared_quickly(size: int):
    old = bytes(size)
    new = old[:5000] + b"\1" + old[5001:-1] + b"\2"
    assert [hunk.offset for hunk in hunks(old, new)] == [5000, size - 1]
    longer = [(hunk.offset, hunk.old, hunk.new) for hunk in hunks(old, new + b"\3")]
    assert longer == [(5000, b"\0", b"\1"), (size - 1, b"\0", b"\2\3")]


@pytest.mark.parametrize("size", [1 << 20])
def test_payloads_that_have_nothing_in_common_are_given_up_on(size: int):
    first, second = noise(1, size), noise(2, size + 1)
    assert sum(len(hunk.new) for hunk in hunks(first, second)) == size + 1


def test_what_goes_and_comes_is_found_among_what_stays():
    old = noise(3)
    new = old[:100] + old[108:2000] + b"XY" + old[2000:3000] + b"Z" + old[3001:]
    found = [(hunk.offset, len(hunk.old), len(hunk.new)) for hunk in hunks(old, new)]
    assert found == [(100, 8, 0), (2000, 0, 2), (3000, 1, 1)]


@pytest.fixture
def undo(x86: Stream, registry: Registry) -> dict[str, Any]:
    """The patch that takes another MAC back."""
    return patches.undo_of(x86, plan_edits(x86, registry, EDITS["mac"]))


def read(patch: object) -> list[Request]:
    return patches.read(json.dumps(patch).encode())


def test_a_patch_fits_no_other_stream(x86: Stream, registry: Registry, undo: dict[str, Any]):
    with pytest.raises(PatchMismatch, match="as the patch would make it"):
        plan_edits(x86, registry, read(undo))
    elsewhere = pytest.raises(PatchMismatch, match="no section '0000:00:02")
    with open_stream(SAMPLES / "s390x.mig") as other, elsewhere:
        plan_edits(other, registry, read(undo))
    del undo["undo"]  # it would say that the patch was changed
    undo["sections"][0]["sha256_before"] = "00" * 32
    undo["sections"][0]["sha256_after"] = "00" * 32
    with pytest.raises(PatchMismatch, match="another state of this section"):
        plan_edits(x86, registry, read(undo))


def test_a_changed_undo_patch_is_no_undo(x86: Stream, registry: Registry, tmp_path: Path):
    """What goes back is safe, so only what virtmig itself has written counts as that."""
    plan = plan_edits(x86, registry, EDITS["mac"])
    write_plan(x86, plan, str(tmp_path / "made.mig"))
    undo = patches.undo_of(x86, plan)
    undo["sections"][0]["new_idstr"] = "another"
    with pytest.raises(PatchMismatch, match="was changed since it was written"):
        read(undo)
    del undo["undo"]
    with open_stream(tmp_path / "made.mig") as made:
        changes = plan_edits(made, registry, read(undo)).changes
    assert next(one for one in changes if one.path == "idstr").risk is Risk.UNSAFE


@pytest.mark.parametrize("name", ["unsafe", "machine"])
def test_to_do_again_what_was_taken_back_is_judged_as_the_first_time(
    path: Path, tmp_path: Path, registry: Registry, name: str
):
    requests = {**EDITS, "unsafe": asked("virtio-net:queues[0].last_avail_idx+=3")}[name]
    made, back = tmp_path / "made.mig", tmp_path / "back.mig"
    with open_stream(path) as stream:
        first = plan_edits(stream, registry, requests)
        undo = patches.undo_of(stream, first)
        write_plan(stream, first, str(made), unsafe=True)
    with open_stream(made) as stream:
        plan = plan_edits(stream, registry, read(undo))
        again = patches.undo_of(stream, plan)
        write_plan(stream, plan, str(back))
    with open_stream(back) as stream:
        found = plan_edits(stream, registry, read(again))
    assert [(one.risk, one.why) for one in found.changes] == [
        (one.risk, one.why) for one in first.changes
    ]


def test_a_machine_type_is_only_taken_back_from_the_one_it_was_changed_to(
    x86: Stream, registry: Registry
):
    undo = patches.undo_of(x86, plan_edits(x86, registry, [Machine("another")]))
    with pytest.raises(PatchMismatch, match="the patch expects another"):
        plan_edits(x86, registry, read(undo))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "x"),
        ("schema", 2),
        ("schema", "1"),
        ("undo", 1),
        ("extra", 1),
        ("sections", {}),
        ("sections", [{}]),
        ("sections", [1]),
        ("set", "device.mac=1"),
        ("set", [1]),
        ("rename", [["a"]]),
        ("rename", ["ab"]),
        ("machine", 5),
        ("machine_back", {"before": "a"}),
    ],
)
def test_a_damaged_patch_is_refused(undo: dict[str, Any], key: str, value: object):
    del undo["undo"]  # with it every change is refused
    assert read(undo)
    with pytest.raises(PatchMismatch):
        read({**undo, key: value})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "Expecting value"),
        (b"[]", "found a list"),
        (b"{", "Expecting property name"),
        (b"\xff", "codec can't decode"),
        (b"[" * 100_000, "nests too deep"),
        (b'{"format": NaN}', "not a virtmig-patch file"),
        (b'{"format": "virtmig-patch", "format": "x"}', "'format' comes twice"),
        (b'{"format": "virtmig-patch", "schema": 1, "sections": [{}]}', "'idstr' is missing"),
    ],
)
def test_what_is_no_patch_is_refused(text: bytes, reason: str):
    with pytest.raises(PatchMismatch, match=reason):
        patches.read(text)


@pytest.mark.parametrize(
    "hunk", [[-1, "", "00"], [0, "zz", "00"], [0, "00"], ["0", "", ""], [10**9, "00", "01"]]
)
def test_a_hunk_that_does_not_fit_is_refused(
    x86: Stream, registry: Registry, undo: dict[str, Any], hunk: list[object]
):
    del undo["undo"]
    entry = undo["sections"][0]
    section = next(one for one in x86.sections if one.idstr == entry["idstr"])
    entry["sha256_before"] = hashlib.sha256(x86.payload(section)).hexdigest()
    entry["bytes"] = [hunk]
    with pytest.raises(PatchMismatch):
        plan_edits(x86, registry, read(undo))


def test_a_patch_can_hold_requests(x86: Stream, registry: Registry):
    patch = {
        "format": "virtmig-patch",
        "schema": 1,
        "set": ["device.promisc=1"],
        "drop_subsection": ["virtio-blk:virtio/started"],
        "rename": [["virtio-rng", "0000:00:07.0/virtio-rng"]],
        "machine": "pc-q35-5.2",
    }
    plan = plan_edits(x86, registry, read(patch))
    assert [change.path for change in plan.changes] == [
        *("subsections.virtio/started", "device.promisc", "idstr", "machine")
    ]
    with pytest.raises(BadValue):
        read({**patch, "set": ["device.promisc"]})


def by_hand(stream: Stream, at: int) -> EditPlan:
    """A patch of one byte of the first section, which nobody understands."""
    section = stream.sections[0]
    old = stream.payload(section)
    new = old[:at] + bytes([old[at] ^ 1]) + old[at + 1 :]
    entry = {
        "idstr": section.idstr,
        "instance_id": section.instance_id,
        "sha256_before": hashlib.sha256(old).hexdigest(),
        "sha256_after": hashlib.sha256(new).hexdigest(),
        "new_idstr": section.idstr,
        "bytes": [[at, old[at : at + 1].hex(), new[at : at + 1].hex()]],
    }
    patch = {"format": "virtmig-patch", "schema": 1, "sections": [entry]}
    return plan_edits(stream, Registry(), read(patch))


def test_bytes_that_nobody_understands_are_unsafe(x86: Stream):
    plan = by_hand(x86, 3)
    assert plan.risk is Risk.UNSAFE
    with pytest.raises(UnsafeEdit, match="does not understand"):
        plan.permit()


def test_a_patch_and_other_changes_of_a_section_contradict(
    x86: Stream, tmp_path: Path, registry: Registry, undo: dict[str, Any]
):
    made = tmp_path / "made.mig"
    write_plan(x86, plan_edits(x86, registry, EDITS["mac"]), str(made))
    with open_stream(made) as stream:
        with pytest.raises(Contradiction, match="a patch and other changes"):
            plan_edits(stream, registry, [*read(undo), *asked("device.promisc=1")])
        with pytest.raises(Contradiction, match="two patches"):
            plan_edits(stream, registry, [*read(undo), *read(undo)])


def test_two_names_for_one_section_contradict(x86: Stream, registry: Registry):
    with pytest.raises(Contradiction, match="two new names"):
        plan_edits(x86, registry, [Rename("virtio-blk", "a"), Rename("virtio-blk", "b")])
    with pytest.raises(Contradiction, match="two machine types"):
        plan_edits(x86, registry, [Machine("a"), Machine("b")])


def test_if_the_stream_cannot_be_written_the_earlier_patch_is_back(
    x86: Stream, tmp_path: Path, registry: Registry
):
    plan = plan_edits(x86, registry, EDITS["mac"])
    undo = tmp_path / "undo.json"
    (tmp_path / "taken").mkdir()
    for earlier in (None, b"an earlier patch"):
        if earlier is not None:
            undo.write_bytes(earlier)
        with pytest.raises(OSError, match="not a regular file"):
            write_plan(x86, plan, str(tmp_path / "taken"), str(undo))
        assert (undo.read_bytes() if undo.exists() else None) == earlier
