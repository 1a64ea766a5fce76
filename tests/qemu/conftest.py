"""Fixtures for tests with a real QEMU: each runs once on every QEMU found on this machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.qemu import guest
from tests.qemu.cases import VERSIONS
from tests.qemu.machine import Install, installs

REQUIRE = "VIRTMIG_REQUIRE_QEMU"  # 1: at least one QEMU has to be there; all: each known version


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that take `install` on each QEMU there is; a missing one is a test as well."""
    if "install" not in metafunc.fixturenames:
        return
    found: dict[str, Install | str] = {one.version: one for one in installs()}
    wanted = VERSIONS if os.environ.get(REQUIRE) == "all" else ()
    for version in wanted:
        found.setdefault(version, f"QEMU {version} is not installed")
    if not found:
        found = {"none": "no QEMU with x86 and s390x is installed"}
    metafunc.parametrize("install", found.values(), ids=found.keys(), indirect=True)


@pytest.fixture
def install(request: pytest.FixtureRequest) -> Install:
    """Give one installed QEMU, with the guests built; skip without one, or fail if required."""
    if isinstance(request.param, Install):
        for arch in guest.FLAVOURS:
            guest.build(arch)
        return request.param
    message = f"{request.param}; `python -m tests.qemu.install [--all]` installs it"
    if os.environ.get(REQUIRE):
        pytest.fail(f"{message} ({REQUIRE} is set)")
    pytest.skip(message)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Give a folder for streams; it is removed at once, because pytest keeps its own for long."""
    with tempfile.TemporaryDirectory(prefix="virtmig-") as folder:
        yield Path(folder)
