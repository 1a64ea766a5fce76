"""The live virtio-serial device and its hooks."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from virtmig.api import (
    DeviceDriver,
    DeviceMismatch,
    RingSize,
    VirtioDevice,
    VirtioState,
    hookimpl,
)
from virtmig_serial.state import SerialPort, SerialState

FEATURES = {0: "SIZE", 1: "MULTIPORT", 2: "EMERG_WRITE"}
"""virtio 1.3 section 5.3.3."""
CONFIG_SPACE = {
    "cols": 2,
    "rows": 2,
    "max_nr_ports": 4,
    "emerg_wr": 4,
}
"""virtio 1.3 section 5.3.4."""
FIRST_QUEUES = ("receiveq(port0)", "transmitq(port0)", "control receiveq", "control transmitq")
QUEUES = ("receiveq", "transmitq")
"""virtio 1.3 section 5.3.2: the control queues lie between those of port 0 and those of port 1."""
RING_SIZES = {
    role: RingSize(32 if role.startswith("control") else 128) for role in (*FIRST_QUEUES, *QUEUES)
}


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveSerial(VirtioDevice):
    """A device with ports; its state has the names of `SerialState`.

    ports_map, and which ports there are, are properties: they are plugged in, not loaded.
    """

    cols: int = 0
    rows: int = 0
    max_nr_ports: int = 31
    ports_map: tuple[int, ...] = ()
    ports: tuple[SerialPort, ...] = ()

    def check(self, state: SerialState) -> None:
        """Refuse the state of a device with other ports, or of a port that is not there."""
        if state.ports_map != self.ports_map:
            theirs, ours = port_numbers(state.ports_map), port_numbers(self.ports_map)
            text = f"ports {sorted(theirs)} in the stream, {sorted(ours)} on this device"
            raise DeviceMismatch(text, path="device.ports_map")
        known = port_numbers(self.ports_map)
        for number, port in enumerate(state.ports):
            if port.id not in known:
                text = f"there is no port {port.id}"
                raise DeviceMismatch(text, path=f"device.ports[{number}].id")


def port_numbers(words: Iterable[int]) -> frozenset[int]:
    """The ports that a port map lists."""
    return frozenset(
        32 * place + bit for place, word in enumerate(words) for bit in range(32) if word >> bit & 1
    )


class VirtioSerial:
    """The hooks of `virtio-console`, the name of virtio-serial's section."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-console",
            device_id=3,
            version=3,
            state=SerialState,
            first_queues=FIRST_QUEUES,
            queue_names=QUEUES,
            ring_sizes=RING_SIZES,
            features=FEATURES,
            config_space=CONFIG_SPACE,
        )

    @hookimpl
    def create_device(self, state: VirtioState) -> LiveSerial:
        serial: SerialState = state.device
        return LiveSerial(ports_map=serial.ports_map)

    @hookimpl
    def save_device(self, device: LiveSerial) -> SerialState:
        return SerialState(
            cols=device.cols,
            rows=device.rows,
            max_nr_ports=device.max_nr_ports,
            ports_map=device.ports_map,
            nr_active_ports=len(device.ports),
            ports=device.ports,
        )

    @hookimpl
    def load_device(self, device: LiveSerial, state: SerialState) -> None:
        device.check(state)
        device.cols, device.rows = state.cols, state.rows
        device.max_nr_ports = state.max_nr_ports
        device.ports = state.ports


plugin = VirtioSerial()
