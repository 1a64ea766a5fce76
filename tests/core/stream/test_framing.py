"""Where sections lie, found from the end, found by walking, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from tests.core.stream.building import (
    DEVICES,
    EOS,
    Device,
    Item,
    Recipe,
    footer,
    header,
    u16,
    u32,
    u64,
)
from virtmig.errors import BadFooter, LimitExceeded, NotAStream, UnsupportedContainer
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section, SectionKind

ATTRIBUTES = "s390-storage_attributes"


def names(sections: Sequence[Section]) -> list[str]:
    return [section.idstr for section in sections]


def payloads(stream: Stream) -> list[bytes]:
    return [stream.payload(section) for section in stream.sections]


WAYS = {
    "footers and description": Recipe(),
    "footers only": Recipe(described=False),
    "description only": Recipe(machine="", footers=False),
    "neither": Recipe(machine="", footers=False, described=False),
    "description with spaces": Recipe(spaces=True),
}


@pytest.mark.parametrize("recipe", WAYS.values(), ids=WAYS)
def test_every_section_is_found_with_its_payload(recipe: Recipe):
    stream = Stream.from_bytes(recipe.build())
    assert payloads(stream) == [device.payload for device in DEVICES]
    assert [(s.idstr, s.instance_id) for s in stream.sections] == [
        (device.idstr, device.instance) for device in DEVICES
    ]


@pytest.mark.parametrize("recipe", WAYS.values(), ids=WAYS)
def test_sections_say_where_header_payload_and_footer_lie(recipe: Recipe):
    data = recipe.build()
    for section in Stream.from_bytes(data).sections:
        assert section.kind is SectionKind.FULL
        assert section.footer is recipe.footers
        assert data[section.header] == SectionKind.FULL
        assert data[section.start - 4 : section.start] == u32(section.version_id)
        closing = footer(section.section_id) if recipe.footers else b""
        assert data[section.end : section.after] == closing


def test_ids_may_come_in_any_order():
    stream = Stream.from_bytes(Recipe().build())
    assert [section.section_id for section in stream.sections] == [0x31, 11, 12, 7, 14]


def test_the_configuration_is_read_with_its_subsections():
    recipe = Recipe(capabilities=("x-ignore-shared",))
    stream = Stream.from_bytes(recipe.build())
    assert stream.configuration is not None
    assert stream.configuration.capabilities == ("x-ignore-shared",)
    assert stream.machine == "pc-q35-10.0"


def test_old_machine_types_have_no_configuration_and_no_name():
    stream = Stream.from_bytes(Recipe(machine="", footers=False).build())
    assert stream.configuration is None
    assert stream.machine == ""


@pytest.mark.parametrize("footers", [True, False])
def test_a_wrong_size_in_the_description_is_made_good_by_a_search(footers):
    css = Device("s390_css", b"0" * 255 + b"\x01\x02\x03" * 256 + b"end", said=272)
    recipe = Recipe(devices=(*DEVICES[:2], css, *DEVICES[2:]), footers=footers)
    stream = Stream.from_bytes(recipe.build())
    assert stream.payload(stream.sections[2]) == css.payload


def test_two_wrong_sizes_in_a_row_are_made_good():
    first, second = (Device(name, b"0" * 999, said=1) for name in ("first", "second"))
    stream = Stream.from_bytes(Recipe(devices=(first, second, *DEVICES)).build())
    assert payloads(stream)[:2] == [first.payload, second.payload]


def test_a_look_alike_header_inside_a_payload_does_not_win_over_the_right_one():
    fake = b"x" * 20 + header(4, 10, "css") + b"y" * 20
    css = Device("css", footer(9) + fake + footer(9) + fake, said=3, section_id=10)
    stream = Stream.from_bytes(Recipe(devices=(DEVICES[0], css, *DEVICES[1:])).build())
    assert stream.payload(stream.sections[1]) == css.payload


def test_two_headers_that_fit_equally_well_are_refused():
    fake = footer(9) + header(4, 10, "css") + b"y" * 20
    css = Device("css", b"x" * 20 + fake, said=3, section_id=10)
    before = attrs.evolve(DEVICES[0], said=1)
    with pytest.raises(BadFooter, match="css"):
        Stream.from_bytes(Recipe(devices=(before, css, *DEVICES[1:])).build())


def test_a_payload_that_mimics_the_whole_section_before_it_as_well_is_refused():
    timer = Recipe().section(DEVICES[0], 10)
    css = Device("css", b"x" * 20 + timer + header(4, 10, "css") + b"y", said=3, section_id=10)
    with pytest.raises(BadFooter, match="css"):
        Stream.from_bytes(Recipe(devices=(DEVICES[0], css, *DEVICES[1:])).build())


def test_a_look_alike_boundary_does_not_fool_the_search_without_description():
    trap = b"a" * 9 + footer(10) + header(4, 99, "evil") + b"b" * 9
    recipe = Recipe(devices=(Device("usb", trap), *DEVICES[1:]), described=False)
    assert payloads(Stream.from_bytes(recipe.build()))[0] == trap


def test_two_ways_to_split_the_sections_are_refused_without_description():
    trap = b"a" * 9 + footer(10) + header(4, 99, "evil") + b"b" * 9 + footer(99)
    trap += header(4, 10, "again") + b"c" * 9
    recipe = Recipe(devices=(Device("usb", trap), *DEVICES[1:]), described=False)
    with pytest.raises(BadFooter, match="several places"):
        Stream.from_bytes(recipe.build())


def test_two_ways_to_split_the_sections_do_not_matter_with_description():
    trap = b"a" * 9 + footer(10) + header(4, 99, "evil") + b"b" * 9 + footer(99)
    trap += header(4, 10, "again") + b"c" * 9
    recipe = Recipe(devices=(Device("usb", trap), *DEVICES[1:]))
    assert payloads(Stream.from_bytes(recipe.build()))[0] == trap


def test_a_stream_without_footers_and_description_is_said_to_be_unproven():
    assert "headers alone" in Stream.from_bytes(WAYS["neither"].build()).remark
    assert Stream.from_bytes(WAYS["footers only"].build()).remark == ""


@pytest.mark.parametrize("described", [True, False])
def test_sections_that_save_before_ram_come_first(described):
    early = (Device("virtio-mem-device-early", b"E" * 33), Device("other-early", b"F" * 7))
    stream = Stream.from_bytes(Recipe(early=early, described=described).build())
    assert names(stream.sections)[:2] == ["virtio-mem-device-early", "other-early"]
    assert payloads(stream)[:2] == [b"E" * 33, b"F" * 7]
    assert len(stream.sections) == len(DEVICES) + 2


def test_live_sections_are_listed_by_their_start():
    start = header(1, 3, ATTRIBUTES, version=0) + u64(1) + footer(3)
    more = u64(0x1000 | 2) + u64(5) + b"12345"
    middle = b"\x02" + u32(3) + more + u64(1) + footer(3)
    middle += b"\x08" + u16(11) + u16(0) + b"\x03" + u32(3) + u64(8) + u64(1) + footer(3)
    recipe = Recipe(machine="s390-ccw-virtio-10.0", start_extra=start, middle=middle)
    for described in (True, False):
        stream = Stream.from_bytes(attrs.evolve(recipe, described=described).build())
        assert names(stream.live) == ["ram", ATTRIBUTES]
        assert names(stream.sections) == [device.idstr for device in DEVICES]
        assert [command.number for command in stream.ram().commands] == [11]


def test_an_unknown_live_section_hides_ram_but_no_device():
    start = header(1, 3, "dirty-bitmap") + b"whatever" + footer(3)
    stream = Stream.from_bytes(Recipe(start_extra=start, middle=start).build())
    assert len(stream.sections) == len(DEVICES)
    with pytest.raises(UnsupportedContainer, match="dirty-bitmap"):
        stream.ram()


def test_an_unknown_live_section_without_description_is_refused():
    start = header(1, 3, "0000:00:04.0/vfio") + b"whatever" + footer(3)
    with pytest.raises(UnsupportedContainer, match="vfio"):
        Stream.from_bytes(Recipe(start_extra=start, described=False).build())


@pytest.mark.parametrize("described", [True, False])
def test_a_section_id_that_occurs_twice_is_refused(described):
    devices = (DEVICES[0], attrs.evolve(DEVICES[1], section_id=0x31), *DEVICES[2:])
    with pytest.raises(BadFooter):
        Stream.from_bytes(Recipe(devices=devices, described=described).build())


def test_a_footer_of_another_section_is_refused():
    data = Recipe().build()
    at = data.rindex(footer(7))
    with pytest.raises(BadFooter, match=r"virtio-blk.*damaged"):
        Stream.from_bytes(data[:at] + footer(8) + data[at + 5 :])


@pytest.mark.parametrize("number", range(len(DEVICES)))
def test_a_footer_that_is_missing_is_refused(number: int):
    data = bytearray(Recipe().build())
    data[Stream.from_bytes(bytes(data)).sections[number].end] = 0x7F
    with pytest.raises(BadFooter):
        Stream.from_bytes(bytes(data))


@pytest.mark.parametrize("described", [True, False])
def test_commands_before_the_first_section_are_passed_over(described):
    recipe = Recipe(described=described)
    advise = b"\x08" + u16(3) + u16(16) + bytes(16)
    stream = Stream.from_bytes(recipe.head() + advise + recipe.ram() + recipe.tail())
    assert payloads(stream) == [device.payload for device in DEVICES]


def test_device_state_that_does_not_follow_ram_is_refused():
    recipe = Recipe()
    data = recipe.head() + recipe.ram() + b"some bytes" + recipe.tail()
    with pytest.raises(BadFooter, match="no live section ends"):
        Stream.from_bytes(data)


def test_a_file_cut_inside_ram_is_said_to_have_no_device_state():
    recipe = Recipe()
    data = recipe.head() + recipe.ram()
    with pytest.raises(NotAStream, match=r"inside RAM: .* cut, no device state is there") as caught:
        Stream.from_bytes(data[:-PART_OF_RAM])
    assert caught.value.where.offset is not None
    known = "whole: the head of a machine pc-q35-10.0 with 2 RAM blocks of 327680 bytes"
    assert caught.value.hint.endswith(known)
    with pytest.raises(NotAStream, match=r"before its RAM: .* no device state is there"):
        Stream.from_bytes(data[: len(recipe.head()) + 40])


PART_OF_RAM = 100


def test_a_file_cut_behind_ram_is_said_to_have_no_device_state():
    recipe = Recipe()
    with pytest.raises(BadFooter, match="ends behind RAM"):
        Stream.from_bytes(recipe.head() + recipe.ram())


def test_a_file_cut_inside_a_section_says_which_are_whole():
    data = Recipe().build()
    with pytest.raises(BadFooter, match=r"virtio-blk.*whole before it: timer, i8259, i8259"):
        Stream.from_bytes(data[: data.index(b"\x13" * 300) + 50])


def test_a_file_cut_inside_the_description_has_all_sections_and_a_remark():
    data = Recipe().build()
    stream = Stream.from_bytes(data[:-20])
    assert len(stream.sections) == len(DEVICES)
    assert "description" in stream.remark
    assert stream.description is None


def test_more_places_that_look_like_sections_than_can_be_are_refused():
    recipe = Recipe(described=False)
    trap = (footer(10) + header(4, 10, "x")) * ((1 << 17) + 1)
    with pytest.raises(LimitExceeded):
        Stream.from_bytes(recipe.head() + recipe.ram() + header(4, 10, "x") + trap)


def test_very_many_sections_of_a_cut_stream_are_not_all_named():
    recipe = Recipe(described=False)
    trap = (footer(10) + header(4, 10, "x")) * 1000
    with pytest.raises(BadFooter, match=r"x, x, \.\.\.") as caught:
        Stream.from_bytes(recipe.head() + recipe.ram() + header(4, 10, "x") + trap)
    assert len(str(caught.value)) < 1000


def test_a_stream_without_ram_is_refused():
    recipe = Recipe(described=False)
    with pytest.raises(BadFooter):
        Stream.from_bytes(recipe.head() + b"\x00")


@pytest.mark.parametrize("flags", [4, 3, 0])
def test_storage_attributes_that_say_error_or_nonsense_are_refused(flags: int):
    start = header(1, 3, ATTRIBUTES, version=0) + u64(flags) + u64(1) + footer(3)
    with pytest.raises(BadFooter, match="storage attributes"):
        Stream.from_bytes(Recipe(start_extra=start).build())


def test_more_wrong_sizes_than_any_stream_has_are_refused():
    devices = tuple(Device(f"device{n}", bytes(50), said=1) for n in range(70))
    with pytest.raises(BadFooter):
        Stream.from_bytes(Recipe(devices=devices).build())


def test_ram_that_leads_beyond_the_end_is_refused():
    stream = Stream.from_bytes(
        Recipe(items=(Item("pc.ram", 0, 0x100, u32(1 << 31), named=True),)).build()
    )
    with pytest.raises(BadFooter, match="beyond the end of the file"):
        stream.ram()


def test_ram_that_does_not_end_at_the_devices_is_refused():
    recipe = Recipe()
    end = b"\x03" + u32(2) + EOS + footer(2)
    data = recipe.head() + recipe.ram() + end + recipe.tail()
    with pytest.raises(BadFooter, match="device state begins"):
        Stream.from_bytes(data).ram()
