"""A stream in another kind of file: every one to every other, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.containers.making import (
    EXPECTED,
    PACK,
    PLAIN,
    XML,
    libvirt_image,
    opened,
    payloads,
)
from virtmig.containers.converting import Domain, form_of, forms, write_as
from virtmig.errors import BadContainer, BadValue, MissingFact
from virtmig.stream.opening import Stream, open_stream

DOMAIN = Domain(xml=XML.rstrip(b"\0"))
FORMS = {form.name: form for form in forms() if form.name != "cbor"}
CONTAINERS = {
    "qemu": "",
    "mapped-ram": "",
    "libvirt": "libvirt",
    "libvirt-sparse": "libvirt",
    **{f"libvirt-{name}": f"libvirt, {name}" for name in PACK if name != "lzma"},
    **{name: name for name in PACK},
}


def test_every_container_that_is_read_is_written_but_disk_images() -> None:
    assert set(FORMS) == set(CONTAINERS)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_plain_stream_goes_into_everything_and_comes_back(tmp_path: Path, name: str) -> None:
    with opened(tmp_path, PLAIN) as stream:
        write_as(tmp_path / "new", stream, FORMS[name], DOMAIN)
    with open_stream(tmp_path / "new") as stream:
        assert stream.container == CONTAINERS[name]
        assert not stream.remark
        assert payloads(stream) == EXPECTED
        assert stream.ram().read("pc.ram", 4096, 4096) == b"B" * 4096
        write_as(tmp_path / "back", stream, FORMS["qemu"])
    if name in {"mapped-ram", "libvirt-sparse"}:  # zero pages were not sent, and now are
        assert payloads(Stream.from_bytes((tmp_path / "back").read_bytes())) == EXPECTED
    else:
        assert (tmp_path / "back").read_bytes() == PLAIN


@pytest.mark.parametrize("old", ["libvirt-gzip", "libvirt-sparse", "mapped-ram", "zstd"])
@pytest.mark.parametrize("new", CONTAINERS)
def test_everything_goes_into_everything(tmp_path: Path, old: str, new: str) -> None:
    with opened(tmp_path, PLAIN) as stream:
        write_as(tmp_path / "old", stream, FORMS[old], DOMAIN)
    with open_stream(tmp_path / "old") as stream:
        write_as(tmp_path / "new", stream, FORMS[new], DOMAIN)
    with open_stream(tmp_path / "new") as stream:
        assert stream.container == CONTAINERS[new]
        assert payloads(stream) == EXPECTED
        assert stream.ram().read("pc.ram", 4096, 4096) == b"B" * 4096


def test_a_libvirt_image_keeps_its_front_but_for_the_format(tmp_path: Path) -> None:
    image = libvirt_image(PLAIN, "raw", "big", unknown=77)
    with opened(tmp_path, image) as stream:
        write_as(tmp_path / "new", stream, FORMS["libvirt-xz"])
    data = (tmp_path / "new").read_bytes()
    start = image.index(b"QEVM")
    assert data[:28] + b"\0\0\0\0" + data[32:start] == image[:start]
    assert data[28:32] == b"\0\0\0\3"
    with open_stream(tmp_path / "new") as stream:
        write_as(tmp_path / "back", stream, FORMS["libvirt"])
    assert (tmp_path / "back").read_bytes() == image


def test_an_unfinished_image_becomes_a_finished_one(tmp_path: Path) -> None:
    with opened(tmp_path, libvirt_image(PLAIN, magic=b"LibvirtQemudPart")) as stream:
        write_as(tmp_path / "new", stream, FORMS["libvirt"])
    assert (tmp_path / "new").read_bytes() == libvirt_image(PLAIN)


@pytest.mark.parametrize("running", [True, False])
def test_an_image_of_a_plain_stream_has_the_xml_that_is_given(tmp_path: Path, running) -> None:
    with opened(tmp_path, PLAIN) as stream:
        write_as(
            tmp_path / "new", stream, FORMS["libvirt"], Domain(xml=b"<domain/>", running=running)
        )
    data = (tmp_path / "new").read_bytes()
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(16, 36, 4)]
    assert words == [2, 10 + 65536, int(running), 0, 0]
    assert data[92:].startswith(b"<domain/>\0\0\0")
    assert data[92 + words[1] :] == PLAIN


def test_without_xml_there_is_no_image_of_a_plain_stream(tmp_path: Path) -> None:
    with opened(tmp_path, PLAIN) as stream:
        with pytest.raises(MissingFact, match=r"--xml FILE"):
            write_as(tmp_path / "new", stream, FORMS["libvirt"])
        for xml in (b"", b"what", b"<domain>\0</domain>"):
            with pytest.raises(BadContainer, match="<domain>"):
                write_as(tmp_path / "new", stream, FORMS["libvirt"], Domain(xml=xml))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("", "a.mig", "qemu"),
        ("", "a.gz", "gzip"),
        ("", "a.tar.zst", "zstd"),
        ("", "a.save", "libvirt"),
        ("", "a.cbor", "cbor"),
        ("gz", "a.xz", "gzip"),
        ("libvirt-zstd", "a.save", "libvirt-zstd"),
        ("save", "a", "libvirt"),
    ],
)
def test_the_form_is_the_one_named_or_that_of_the_suffix(name: str, path: str, expected) -> None:
    assert form_of(name, path).name == expected


def test_what_is_only_read_is_not_written_under_its_suffix() -> None:
    with pytest.raises(BadValue, match="read, and not written"):
        form_of("", "vm.qcow2")
    assert form_of("qemu", "vm.qcow2").name == "qemu"


def test_an_unknown_form_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadValue, match=r"no form 'qcow2' \(there are: qemu, mapped-ram, libvirt"):
        form_of("qcow2", "a")
