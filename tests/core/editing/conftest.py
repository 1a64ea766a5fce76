"""The two samples, opened, and their devices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.editing.asking import SAMPLES
from virtmig.editing.devices import Device, decoded
from virtmig.hooks.registry import Registry
from virtmig.reading import read_devices
from virtmig.stream.opening import Stream, open_stream


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry()


@pytest.fixture(params=["x86-q35", "s390x"])
def path(request: pytest.FixtureRequest) -> Path:
    """Each sample."""
    return SAMPLES / f"{request.param}.mig"


@pytest.fixture
def stream(path: Path) -> Iterator[Stream]:
    with open_stream(path) as found:
        yield found


@pytest.fixture
def x86() -> Iterator[Stream]:
    with open_stream(SAMPLES / "x86-q35.mig") as found:
        yield found


@pytest.fixture
def net(x86: Stream, registry: Registry) -> Device:
    """The network device of the x86 sample."""
    return next(d for d in decoded(read_devices(x86, registry)) if "net" in d.section.idstr)
