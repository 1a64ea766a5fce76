"""virtio-ccw obeys the laws of a transport plugin."""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.api import restore
from virtmig.testing import Draw, TransportConformance
from virtmig_ccw.live import CcwTransport
from virtmig_ccw.state import CcwProxy


class TestCcw(TransportConformance):
    driver = "virtio-ccw"
    paths = ("/fe.0.0001", "/0.3.beef")
    not_paths = ("fe.0.0001", "/fe.0.0001/0", "/fe.0.00001")
    # The address of a device is set on its command line.
    properties = ("cssid", "ssid", "devno")

    def make_transport(self) -> CcwTransport:
        return CcwTransport(cssid=0xFE, ssid=0, devno=1)

    def scramble(self, transport: CcwTransport, draw: Draw) -> None:
        """Everything but the address, and a vector for each queue."""
        restore(transport, draw.record(CcwProxy))
        drawn: Any = transport.sch
        transport.sch = attrs.evolve(drawn, cssid=0xFE, ssid=0, devno=1)
        for queue in transport.device.queues:
            queue.vector = draw.integer(0, 0xFFFF)
