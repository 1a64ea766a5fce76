"""Another name or machine type changes its own bytes and the description, and nothing else."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.core.stream.building import DEVICES, Device, Recipe
from tests.core.stream.test_mapped_ram import RECIPE, mapped_stream
from virtmig.errors import BadValue, Contradiction, CountMismatch
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream

BLK = 3  # which of DEVICES


def written(folder: Path, stream: Stream, edits: Edits) -> bytes:
    stream.write(folder / "new.mig", edits)
    return (folder / "new.mig").read_bytes()


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(spaces=True), Recipe(described=False)])
@pytest.mark.parametrize("new", ["0000:00:05.0/virtio-blk", "x", "0000:00:02.0:00.0/virtio-blk"])
def test_a_renamed_section_is_what_qemu_would_have_written(
    tmp_path: Path, recipe: Recipe, new: str
):
    stream = Stream.from_bytes(recipe.build())
    made = written(tmp_path, stream, Edits(idstrs={stream.sections[BLK]: new}))
    devices = list(DEVICES)
    devices[BLK] = attrs.evolve(DEVICES[BLK], idstr=new)
    assert made == attrs.evolve(recipe, devices=tuple(devices)).build()


def test_a_name_and_a_length_change_together(tmp_path: Path):
    stream = Stream.from_bytes(Recipe().build())
    blk = stream.sections[BLK]
    edits = Edits(idstrs={blk: "longer/virtio-blk"}, payloads={blk: b"short"}, machine="pc-q35-5.2")
    made = written(tmp_path, stream, edits)
    devices = (*DEVICES[:3], Device("longer/virtio-blk", b"short", section_id=7), DEVICES[4])
    assert made == Recipe(devices=devices, machine="pc-q35-5.2").build()


def test_two_sections_can_change_their_names_with_each_other(tmp_path: Path):
    stream = Stream.from_bytes(Recipe().build())
    one, other = stream.sections[0], stream.sections[BLK]
    made = written(tmp_path, stream, Edits(idstrs={one: other.idstr, other: one.idstr}))
    names = [section.idstr for section in Stream.from_bytes(made).sections]
    assert names == [other.idstr, "i8259", "i8259", one.idstr, "globalstate"]


@pytest.mark.parametrize("new", ["timer", "ram", "0000:00:02.0/virtio-blk"])
def test_a_name_that_another_section_has_is_refused(tmp_path: Path, new: str):
    stream = Stream.from_bytes(Recipe().build())
    with pytest.raises(Contradiction, match="another section"):
        written(tmp_path, stream, Edits(idstrs={stream.sections[1]: new}))
    assert not (tmp_path / "new.mig").exists()


def test_a_name_of_another_instance_is_free(tmp_path: Path):
    stream = Stream.from_bytes(Recipe().build())
    made = written(tmp_path, stream, Edits(idstrs={stream.sections[2]: "timer"}))
    assert Stream.from_bytes(made).sections[2].idstr == "timer"


@pytest.mark.parametrize("new", ["", "x" * 256, "é" * 128, "\udcff"])
def test_a_name_that_no_header_holds_is_refused(tmp_path: Path, new: str):
    stream = Stream.from_bytes(Recipe().build())
    with pytest.raises(BadValue, match="idstr"):
        written(tmp_path, stream, Edits(idstrs={stream.sections[BLK]: new}))
    with pytest.raises(BadValue, match="machine type"):
        written(tmp_path, stream, Edits(machine=new))


@pytest.mark.parametrize("new", ["x" * 255, 'quoted "size": 3 \\', "é" * 127])
def test_every_other_name_is_written_and_read_back(tmp_path: Path, new: str):
    stream = Stream.from_bytes(Recipe().build())
    made = Stream.from_bytes(written(tmp_path, stream, Edits(idstrs={stream.sections[BLK]: new})))
    assert made.sections[BLK].idstr == new
    again = written(tmp_path, made, Edits(idstrs={made.sections[BLK]: stream.sections[BLK].idstr}))
    assert again == Recipe().build()


@pytest.mark.parametrize("machine", ["pc-q35-5.2", "pc-q35-11.1", "x"])
@pytest.mark.parametrize("capabilities", [(), ("xbzrle",)])
def test_another_machine_type_changes_the_configuration_only(
    tmp_path: Path, machine: str, capabilities: tuple[str, ...]
):
    recipe = Recipe(capabilities=capabilities)
    made = written(tmp_path, Stream.from_bytes(recipe.build()), Edits(machine=machine))
    assert made == attrs.evolve(recipe, machine=machine).build()


def test_a_stream_without_a_configuration_gets_no_machine_type(tmp_path: Path):
    with pytest.raises(Contradiction, match="names no machine type"):
        written(tmp_path, Stream.from_bytes(Recipe(machine="").build()), Edits(machine="pc"))


def test_where_mapped_ram_would_move_no_length_changes(tmp_path: Path):
    recipe = attrs.evolve(RECIPE, early=(Device("early", b"E"),))
    stream = Stream.from_bytes(mapped_stream({}, recipe=recipe))
    assert written(tmp_path, stream, Edits(machine="pc-q35-10.9")) != b""
    with pytest.raises(CountMismatch, match="mapped-ram"):
        written(tmp_path, stream, Edits(machine="pc-q35-9.2"))
    early, late = stream.sections[:2]
    made = written(tmp_path, stream, Edits(idstrs={early: "EARLY", late: "of another length"}))
    names = [section.idstr for section in Stream.from_bytes(made).sections[:2]]
    assert names == ["EARLY", "of another length"]
    with pytest.raises(CountMismatch, match="idstr cannot change: mapped-ram"):
        written(tmp_path, stream, Edits(idstrs={early: "earlier"}))


def test_an_early_section_is_renamed_elsewhere(tmp_path: Path):
    stream = Stream.from_bytes(Recipe(early=(Device("early", b"E"),)).build())
    made = written(tmp_path, stream, Edits(idstrs={stream.sections[0]: "earlier"}))
    assert made == Recipe(early=(Device("earlier", b"E"),)).build()


def test_what_would_be_written_is_told_without_writing(tmp_path: Path):
    data = Recipe().build()
    path = tmp_path / "old.mig"
    path.write_bytes(data)
    with open_stream(path) as stream:
        edits = Edits(idstrs={stream.sections[BLK]: "virtio-blk"}, machine="pc-q35-5.2")
        places = stream.replaced(edits)
        stream.write(tmp_path / "new.mig", edits)
    assert [len(old) > 0 for _, old, _ in places] == [True] * 3
    made, at = b"", 0
    for offset, old, new in places:
        assert data[offset : offset + len(old)] == old
        made += data[at:offset] + new
        at = offset + len(old)
    assert made + data[at:] == (tmp_path / "new.mig").read_bytes()
