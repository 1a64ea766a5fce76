"""virtio-serial obeys the laws of a device plugin."""

from __future__ import annotations

import attrs

from virtmig.testing import DeviceConformance, Draw
from virtmig_serial.live import LiveSerial, port_numbers
from virtmig_serial.state import SerialPort, SerialState


class TestSerial(DeviceConformance):
    driver = "virtio-console"
    properties = ("ports_map",)

    def scramble(self, device: LiveSerial, draw: Draw) -> None:
        for name in ("cols", "rows", "max_nr_ports"):
            setattr(device, name, draw.field(SerialState, name))
        numbers = sorted(port_numbers(device.ports_map))[: draw.integer(0, 2)]
        device.ports = tuple(attrs.evolve(draw.record(SerialPort), id=number) for number in numbers)
