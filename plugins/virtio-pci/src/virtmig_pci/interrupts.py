"""An interrupt that a target raises when it loads a device."""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.api import NO_VECTOR, VirtioState, evolve
from virtmig_pci.config import msix_enabled
from virtmig_pci.state import PciProxy


def reads_isr(state: VirtioState) -> bool:
    """Whether interrupts go by the line: with MSI-X on, none does (virtio 1.3 section 4.1.4.5)."""
    proxy: PciProxy = state.config
    return not msix_enabled(proxy.header, proxy.config_rest)


def interrupt(state: VirtioState, queue: int) -> VirtioState:
    """The state with the pending bit of the queue's vector set (QEMU: hw/pci/msix.c, msix_load).

    QEMU sends the message when it loads a bit of a vector that is not masked. Without MSI-X the
    line follows the interrupt status.
    """
    proxy: PciProxy = state.config
    transport: Any = state.queues[queue].transport
    vector = transport.vector
    if not msix_enabled(proxy.header, proxy.config_rest) or vector in (None, NO_VECTOR):
        return state
    pending = bytearray(proxy.msix_pba or b"")
    if vector // 8 < len(pending):
        pending[vector // 8] |= 1 << vector % 8
    return attrs.evolve(state, config=evolve(proxy, msix_pba=bytes(pending)))
