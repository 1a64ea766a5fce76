"""What the source text of a plugin shows, with file and line, before anything runs."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.core.hooks import fakes
from virtmig.checking.sources import source_findings
from virtmig.hooks.spelling import HOOKS

CASES = {
    "a module of the core": (
        "from virtmig.errors import DecodeError",
        ("imports-core", "x.py:1", "imports virtmig.errors, which may change in any release",
         "import from virtmig.api only"),
    ),
    "a module of the core, whole": (
        "import os\nimport virtmig.hooks.bound",
        ("imports-core", "x.py:2", "imports virtmig.hooks.bound, which may change in any release",
         "import from virtmig.api only"),
    ),
    "an import inside a function": (
        "def late():\n    from virtmig import __version__",
        ("imports-core", "x.py:2", "imports virtmig, which may change in any release",
         "import from virtmig.api only"),
    ),
    "a hook with a slip": (
        "class P:\n    @hookimpl\n    def laod_device(self, device, state): ...",
        ("unknown-hook", "x.py:3", "there is no hook laod_device", "did you mean load_device?"),
    ),
    "a hook that never was": (
        "@hookimpl\ndef toast(): ...",
        ("unknown-hook", "x.py:2", "there is no hook toast",
         f"all hooks: {', '.join(HOOKS)}"),
    ),
    "another name of a hook": (
        "@api.hookimpl(specname='laod_device')\ndef mine(device, state): ...",
        ("unknown-hook", "x.py:2", "there is no hook laod_device", "did you mean load_device?"),
    ),
    "an argument with a slip": (
        "class P:\n    @hookimpl\n    def load_device(self, divice, state): ...",
        ("hook-argument", "x.py:3", "load_device asks for 'divice', which it is not given",
         "it is given device, state"),
    ),
    "an argument where there is none": (
        "@hookimpl\ndef describe_driver(device): ...",
        ("hook-argument", "x.py:2", "describe_driver asks for 'device', which it is not given",
         "it is given nothing"),
    ),
    "a hook that has to be waited for": (
        "@hookimpl\nasync def post_load(device): ...",
        ("async-hook", "x.py:2", "post_load is a coroutine, which nobody waits for",
         "make it a plain function"),
    ),
    "an attribute of the core's": (
        "class Live(api.VirtioDevice):\n    tag: int = 0\n    status: int = 0",
        ("core-attribute", "x.py:3", "Live.status has the name of an attribute of the core",
         "give it another name: the core sets status in each load"),
    ),
    "an attribute of the core's in a bus": (
        "class Live(Transport):\n    status: int = 0\n    device: int = 0",
        ("core-attribute", "x.py:3", "Live.device has the name of an attribute of the core",
         "give it another name: the core sets device in each load"),
    ),
    "a field that is there twice": (
        ("@record()\nclass S:\n    a: int = wire(u8, 'x')\n    b: int = wire(u8, 'x')\n"
        "    a: int = wire(be16, 'y')"),
        ("doubled-field", "x.py:5", "S.a is declared in line 3 already",
         "give one of them another name"),
    ),
    "no Python": (
        "x = 1\ndef",
        ("syntax", "x.py:2", "cannot be read as Python: invalid syntax", "mend the file"),
    ),
}  # fmt: skip


def found(tmp_path: Path, source: str | bytes) -> list[tuple[str, str, str, str]]:
    path = tmp_path / "x.py"
    path.write_bytes(source if isinstance(source, bytes) else dedent(source).encode())
    return [(one.code, one.where, one.what, one.do) for one in source_findings(path, "x.py")]


@pytest.mark.parametrize(("source", "finding"), CASES.values(), ids=CASES)
def test_a_fault_is_found_at_its_line(
    tmp_path: Path, source: str, finding: tuple[str, str, str, str]
) -> None:
    assert found(tmp_path, source) == [finding]


GOOD = {
    "a device": fakes.device("virtio-toaster"),
    "a transport": fakes.transport("virtio-bus", "bus"),
    "the interface": "import virtmig.api\nfrom virtmig import api\nfrom virtmig.api import wire",
    "others": "import virtmigrate\nfrom virtmig_net import state\nfrom . import x",
    "another name": "@hookimpl(specname='load_device')\ndef mine(device, state): ...",
    "arguments with defaults": "@hookimpl\ndef load_device(device, state, times=3): ...",
    "a static method": "class P:\n    @staticmethod\n    @hookimpl\n    def post_load(device): ...",
    "no record": "class S:\n    a: int = 1\n    a: int = 2",
    "nothing": "",
}


@pytest.mark.parametrize("source", GOOD.values(), ids=GOOD)
def test_what_is_right_has_no_findings(tmp_path: Path, source: str) -> None:
    assert found(tmp_path, source) == []


@pytest.mark.parametrize("source", [b"\x00", b"\xff\xfe", b"(" * 500, b"# coding: nonsense\n"])
def test_bytes_that_are_no_source_are_told(tmp_path: Path, source: bytes) -> None:
    (one,) = found(tmp_path, source)
    assert one[0] == "syntax"


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    (one,) = source_findings(tmp_path / "gone.py", "gone.py")
    assert one.code == "syntax"
