"""What is a container and what is not: by the first bytes, one in another, by plugins."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest

from tests.core.containers.making import EXPECTED, PACK, PLAIN, opened, payloads, refused
from tests.core.hooks.fakes import Site
from virtmig.containers.peeling import DEEPEST
from virtmig.errors import DriverFailed, NotAStream, UnsupportedContainer
from virtmig.stream.editing import Edits

GROUP = "virtmig.containers"
PLUGIN = '''
"""A container as a stranger would write it: a magic, then the stream, each byte turned round."""
from virtmig.api import Container, Place, Unpacked


class Turned(Container):
    name = "turned"
    doc = "a stream with each byte turned round"
    suffixes = (".turned",)

    def claims(self, start):
        return start.startswith(b"TURNED")

    def open(self, outer, wanted):
        return Unpacked(turned(chunk) for chunk in outer.moved(outer.at + 6).chunks())

    def packer(self):
        return Packer()


class Packer:
    start = b"TURNED"

    def compress(self, data):
        start, self.start = self.start, b""
        return start + turned(data)

    def flush(self):
        return self.start


def turned(data):
    return bytes(byte ^ 0xFF for byte in data)


plugin = Turned()
'''
TURNED = b"TURNED" + bytes(byte ^ 0xFF for byte in PLAIN)
FORWARD = """
from virtmig.api import At, Container


class Forward(Container):
    name = "forward"
    doc = "a stream behind four bytes"

    def claims(self, start):
        return start.startswith(b"FWRD")

    def open(self, outer, wanted):
        return At({offset})


plugin = Forward()
"""


@pytest.mark.parametrize(
    ("start", "reason", "hint"),
    [
        (b"\x7fELF" + bytes(50), "an ELF file", "no device state"),
        (b"KDUMP   " + bytes(50), "a kdump file", "no device state"),
        (b"\x11\x22\x33\x44\0\0\0\1" + bytes(50), "one channel of a multifd", "QEVM"),
        (b"KDMV" + bytes(50), "a VMDK disk image", "qcow2"),
    ],
)
def test_a_file_that_holds_no_stream_is_named(tmp_path: Path, start, reason, hint) -> None:
    error = refused(tmp_path, start)
    assert isinstance(error, UnsupportedContainer)
    assert reason in error.reason
    assert hint in error.hint


def test_a_stream_behind_something_unknown_is_pointed_at(tmp_path: Path) -> None:
    error = refused(tmp_path, b"unknown" * 100 + PLAIN)
    assert isinstance(error, NotAStream)
    assert error.hint == "a stream may begin at 0x2bc: tail -c +701 FILE"


def test_containers_in_one_another_are_opened_up_to_a_depth(tmp_path: Path) -> None:
    data = PLAIN
    for _ in range(DEEPEST):
        data = gzip.compress(data)
    with opened(tmp_path, data) as stream:
        assert payloads(stream) == EXPECTED
        assert stream.container == ", ".join(["gzip"] * DEEPEST)
    assert f"more than {DEEPEST}" in refused(tmp_path, gzip.compress(data)).reason


def test_an_empty_inside_is_said_to_be_inside(tmp_path: Path) -> None:
    error = refused(tmp_path, gzip.compress(b""))
    assert error.reason == "nothing comes out of it: it is cut near its start, or empty inside"
    assert error.hint == "the offset counts in what came out of gzip"


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_what_is_cut_before_anything_comes_out_is_not_called_empty(
    tmp_path: Path, name: str
) -> None:
    error = refused(tmp_path, PACK[name](PLAIN)[:15])
    assert error.reason.startswith("nothing comes out of it: it is cut near its start")
    assert f"the {name} data ends early" in error.hint


def test_an_inside_that_is_no_stream_is_refused_before_all_of_it_is_unpacked(
    tmp_path: Path,
) -> None:
    """A damaged end is not reached."""
    data = gzip.compress(b"no stream" * 1_000_000)
    error = refused(tmp_path, data[: len(data) // 2] + bytes(len(data)))
    assert error.reason.startswith("it begins with b'no s'")


def test_a_container_of_a_plugin_is_read_and_written(tmp_path: Path, site: Site) -> None:
    site.add("turned", PLUGIN, group=GROUP, dist="virtmig-turned")
    with opened(tmp_path, gzip.compress(TURNED)) as stream:
        assert payloads(stream) == EXPECTED
        assert stream.container == "gzip, turned"
        changed = Edits(payloads={stream.sections[0]: b"\x55" * 40})
        stream.write(tmp_path / "new", changed)
    inside = zlib.decompress((tmp_path / "new").read_bytes(), wbits=31)
    assert inside == b"TURNED" + bytes(
        byte ^ 0xFF for byte in PLAIN.replace(EXPECTED[0], b"\x55" * 40)
    )


def test_a_container_of_a_plugin_may_lie_in_the_file_as_it_is(tmp_path: Path, site: Site) -> None:
    source = FORWARD.replace("{offset}", "outer.at + 4")
    site.add("forward", source, group=GROUP, dist="virtmig-forward")
    with opened(tmp_path, b"FWRD" + PLAIN) as stream:
        assert payloads(stream) == EXPECTED
        stream.write(tmp_path / "new", Edits(payloads={stream.sections[0]: b"\x55" * 40}))
    expected = b"FWRD" + PLAIN.replace(EXPECTED[0], b"\x55" * 40)
    assert (tmp_path / "new").read_bytes() == expected


BROKEN = {
    "cannot be imported": ("raise RuntimeError('oh no')", "RuntimeError: oh no"),
    "is no container": ("plugin = 5", "no object of a subclass of Container"),
    "cannot tell": (PLUGIN.replace("return start.startswith", "return 1 / 0 or "), "division"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_container_is_named_and_hurts_no_other_file(
    tmp_path: Path, site: Site, fault: str
) -> None:
    source, named = BROKEN[fault]
    site.add("broken", source, group=GROUP, dist="virtmig-broken")
    site.add("turned", PLUGIN, group=GROUP, dist="virtmig-turned")
    for data in (PLAIN, gzip.compress(PLAIN), TURNED):
        with opened(tmp_path, data) as stream:
            assert payloads(stream) == EXPECTED
    error = refused(tmp_path, b"what is this?")
    assert "does not work" in error.hint
    assert named in error.hint


@pytest.mark.parametrize("offset", ["outer.at", "0", "-5", "10**9", "None", "1 / 0"])
def test_a_container_that_fails_with_its_own_file_is_named(
    tmp_path: Path, site: Site, offset: str
) -> None:
    site.add("forward", FORWARD.replace("{offset}", offset), group=GROUP, dist="virtmig-forward")
    error = refused(tmp_path, b"FWRD" + PLAIN)
    assert isinstance(error, DriverFailed)
    assert "container forward" in error.reason
