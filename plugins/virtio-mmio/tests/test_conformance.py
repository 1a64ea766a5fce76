"""virtio-mmio obeys the laws of a transport plugin."""

from __future__ import annotations

from virtmig.api import restore
from virtmig.testing import Draw, TransportConformance
from virtmig_mmio.live import MmioTransport
from virtmig_mmio.state import MmioProxy, ModernState


class TestMmio(TransportConformance):
    driver = "virtio-mmio"
    paths = ("virtio-mmio@00000000feb02e00", "virtio-mmio@000000000a003c00")
    not_paths = ("virtio-mmio@feb02e00", "virtio-mmio", "sysbus/virtio-mmio@00000000feb02e00")
    derived = ("irq_level",)

    def scramble(self, transport: MmioTransport, draw: Draw) -> None:
        restore(transport, draw.record(MmioProxy))
        if not transport.legacy:
            transport.modern = draw.record(ModernState)
