"""virtio-pci obeys the laws of a transport plugin."""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.api import restore
from virtmig.testing import Draw, TransportConformance
from virtmig_pci.config import HAS_CAPABILITIES, MSIX, PciHeader
from virtmig_pci.live import FIXED, ModernRegisters, PciTransport
from virtmig_pci.state import ModernState, MsixEntry

VECTORS = 3
CAPABILITY = 0x40


class TestPci(TransportConformance):
    driver = "virtio-pci"
    paths = ("0000:00:03.0", "0000:00:02.1:00.0", "0001:80:1f.7")
    not_paths = ("0000:00:03", "00:03.0", "0000:00:03.8", "0000:00:03.0/0")
    # A proxy is made with these, and with a virtio 1 interface or without; `version_id` is 2 in
    # each QEMU that writes it.
    properties = (*FIXED, "version_id", "modern_state")
    # Drawn configuration space hardly ever has an MSI-X capability; the goldens have one.
    rare = ("msix_table", "msix_pba", "config_vector", "vector")
    # Without MSI-X a load sets the line by the interrupt status, as QEMU does.
    normalised = ("irq_state",)

    def make_transport(self) -> PciTransport:
        fixed = dict.fromkeys(FIXED, 0) | {"vendor_id": 0x1AF4, "device_id": 0x1041}
        fixed |= {"capabilities_pointer": CAPABILITY}  # where the MSI-X capability lies
        return PciTransport(
            identity=fixed, vectors=VECTORS, config_size=256, modern=ModernRegisters()
        )

    def scramble(self, transport: PciTransport, draw: Draw) -> None:
        """Registers that a guest or its firmware writes; the capability list stays."""
        drawn: Any = draw.record(PciHeader)
        transport.header = attrs.evolve(
            drawn,
            **transport.identity,
            status=drawn.status | HAS_CAPABILITIES,
        )
        enabled = draw.boolean()
        msix = bytes((MSIX, 0, VECTORS - 1, enabled << 7))
        transport.config_rest = msix + draw.binary(8) + bytes(180)
        levels = [draw.integer(0, 1) for _ in range(4)]
        if not enabled and drawn.interrupt_pin in range(1, 5):
            levels[drawn.interrupt_pin - 1] = transport.device.isr & 1
        transport.irq_state = tuple(levels)
        transport.msix_table = tuple(draw.record(MsixEntry) for _ in range(VECTORS))
        transport.msix_pba = draw.binary(1)
        transport.config_vector = draw.integer(0, VECTORS - 1)
        for queue in transport.device.queues:
            queue.vector = draw.integer(0, VECTORS - 1)
        assert transport.modern is not None
        restore(transport.modern, draw.record(ModernState))
