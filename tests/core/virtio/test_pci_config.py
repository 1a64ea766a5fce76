"""PCI configuration space: its capability list may be anybody's bytes."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.material import pick, state_of
from virtmig_pci.config import PciHeader, capabilities, msix_enabled, msix_vectors, summary

PROXY = state_of(pick("virtio-net", lambda s: s.config.msix_table is not None)).config
MSIX, VENDOR = 0x11, 0x09


def space(**found: tuple[int, int, int]) -> tuple[PciHeader, bytes]:
    """A header and a rest with capabilities at offsets: id, next, and message control."""
    rest = bytearray(192)
    for place, (number, following, control) in found.items():
        start = int(place[1:], 16) - 64
        rest[start : start + 2] = bytes([number, following])
        rest[start + 2 : start + 4] = control.to_bytes(2, "little")
    first = int(next(iter(found))[1:], 16) if found else 0
    return attrs.evolve(PROXY.header, status=1 << 4, capabilities_pointer=first), bytes(rest)


@pytest.mark.parametrize(
    ("control", "vectors", "enabled"),
    [(0, 1, False), (2, 3, False), (0x8002, 3, True), (0x07FF, 2048, False), (0xFFFF, 2048, True)],
)
def test_the_size_of_the_msix_table_is_in_its_capability(
    control: int, vectors: int, enabled: bool
) -> None:
    header, rest = space(x40=(VENDOR, 0x50, 0), x50=(MSIX, 0, control))
    assert msix_vectors(header, rest) == vectors
    assert msix_enabled(header, rest) is enabled


def test_without_the_capability_there_is_no_table() -> None:
    header, rest = space(x40=(VENDOR, 0, 0))
    assert msix_vectors(header, rest) == 0
    assert not msix_enabled(header, rest)


def test_without_a_list_nothing_is_looked_for() -> None:
    header, rest = space(x40=(MSIX, 0, 2))
    assert msix_vectors(attrs.evolve(header, status=0), rest) == 0


@pytest.mark.parametrize(
    "found",
    [
        {"x40": (VENDOR, 0x40, 0)},
        {"x40": (VENDOR, 0x50, 0), "x50": (VENDOR, 0x40, 0)},
        {"x40": (VENDOR, 0x10, 0)},
        {"xfc": (MSIX, 0xFF, 0xFFFF)},
        {"x41": (VENDOR, 0, 0)},
    ],
    ids=["itself", "a circle", "into the header", "to the end", "crooked"],
)
def test_a_list_that_leads_nowhere_ends(found: dict[str, tuple[int, int, int]]) -> None:
    header, rest = space(**found)
    assert len(list(capabilities(header, rest))) <= 4


@given(pointer=st.integers(0, 255), rest=st.binary(min_size=192, max_size=192))
def test_any_bytes_are_a_list_of_capabilities(pointer: int, rest: bytes) -> None:
    header = attrs.evolve(PROXY.header, status=0xFFFF, capabilities_pointer=pointer)
    assert 0 <= msix_vectors(header, rest) <= 2048
    assert len(list(capabilities(header, rest))) <= 192
    assert summary(header, rest)["size"] == 256


def test_registers_are_shown_for_people() -> None:
    shown = summary(PROXY.header, PROXY.config_rest)
    assert shown["id"].startswith("1af4:")
    assert len(shown["bars"]) == 6
    assert any("MSI-X" in line for line in shown["capabilities"])
    assert "memory" in shown["command"]
