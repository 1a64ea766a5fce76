"""A file that is written over itself: never if something of it would be lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.containers.making import PACK, PLAIN, XML, Qcow2, libvirt_image, payloads
from virtmig.containers.converting import Domain, form_of, write_as
from virtmig.errors import BadValue
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream, open_stream

DISK = Qcow2(snapshots={"first": PLAIN}).build()


def itself(path: Path) -> Path:
    return path


def by_a_link(path: Path) -> Path:
    link = path.with_name("link")
    link.symlink_to(path)
    return link


def by_a_hard_link(path: Path) -> Path:
    link = path.with_name("hard")
    link.hardlink_to(path)
    return link


@pytest.mark.parametrize("name", [itself, by_a_link, by_a_hard_link])
@pytest.mark.parametrize("form", ["", "qemu", "mapped-ram", "gzip", "libvirt"])
def test_a_disk_is_never_replaced_by_the_stream_in_it(
    tmp_path: Path, name: Callable[[Path], Path], form: str
) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(DISK)
    target = name(path)
    with open_stream(path) as stream, pytest.raises(BadValue, match="would lose: qcow2") as caught:
        write(target, stream, form)
    assert "write to another file" in str(caught.value)
    assert path.read_bytes() == DISK
    assert {one.name for one in tmp_path.iterdir()} == {path.name, target.name}


def write(target: Path, stream: Stream, form: str) -> None:
    if form:
        write_as(target, stream, form_of(form, ""), Domain(xml=XML.rstrip(b"\0")))
    else:
        stream.write(target, Edits())


def test_a_disk_that_is_compressed_is_not_replaced_either(tmp_path: Path) -> None:
    path = tmp_path / "disk.gz"
    path.write_bytes(PACK["gzip"](DISK))
    with open_stream(path) as stream, pytest.raises(BadValue, match="would lose: qcow2"):
        stream.write(path, Edits())


@pytest.mark.parametrize("form", ["qemu", "gzip"])
def test_an_image_of_libvirt_does_not_lose_its_xml(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.save"
    image = libvirt_image(PLAIN)
    path.write_bytes(image)
    with open_stream(path) as stream:
        with pytest.raises(BadValue, match="would lose: libvirt"):
            write_as(path, stream, form_of(form, ""))
        assert path.read_bytes() == image
        write_as(path, stream, form_of("libvirt-zstd", ""))
    with open_stream(path) as stream:
        assert stream.container == "libvirt, zstd"
        assert XML in path.read_bytes()


def test_what_loses_nothing_may_replace_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(PACK["xz"](PLAIN))
    for form in ("gzip", "qemu", "mapped-ram", "qemu"):
        with open_stream(path) as stream:
            expected = payloads(stream)
            write_as(path, stream, form_of(form, ""))
        with open_stream(path) as stream:
            assert payloads(stream) == expected
