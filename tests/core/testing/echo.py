"""Good plugins as source text, to be made wrong in one place."""

STATE = '''
"""What virtio-echo saves of its own."""
from __future__ import annotations

from virtmig.api import (
    Condition, OpenFact, array, be16, be32, boolean, buffer, depends_on, if_fact, if_feature,
    if_set, raw, record, since, struct, subsection, u8, wire,
)

LOUD = OpenFact("echo_loud", (False, True), "whether the device was created with loud=on")


@record("virtio-echo-device/log")
class Log:
    """Lines that the guest has not fetched; sent when there are any."""

    length: int = wire(be16.upto(512), "bytes in `text`")
    text: bytes = wire(buffer("length"), "lines, with an end of line each")
    level: int = wire(u8, "lowest level that is logged, 0 to 7")


@record()
class Point:
    """One echo that is on its way."""

    delay: int = wire(be16, "milliseconds until it is due")
    queue: int = wire(u8, "index of the queue that it answers")


@record("virtio-echo-device")
class EchoState:
    """The device part of virtio-echo."""

    counter: int = wire(be16, "requests answered since the last reset")
    limit: int = wire(be16, "requests that are answered at the most")
    tag: bytes = wire(raw(8), "name that the driver gave it, padded with zeros")
    muted: bool = wire(boolean, "whether answers are held back")
    pitch: int | None = wire(u8, "half tones above the voice", when=if_feature(1, "PITCH"))
    volume: int | None = wire(be16, "in decibels below full scale", when=if_fact("echo_loud"))
    points_len: int = wire(be16.upto(256), "entries in `points`")
    points: tuple[Point, ...] = wire(array(Point, "points_len"), "echoes on their way, by time")
    gain: int | None = wire(be16, "amplification in percent", when=since(2))
    log: Log | None = wire(subsection(Log), "lines not fetched")
'''

LIVE = '''
"""The live virtio-echo device and its hooks."""
from __future__ import annotations

import attrs

from virtmig.api import DeviceDriver, DeviceMismatch, VirtioDevice, VirtioState, hookimpl
from {package}.state import LOUD, EchoState, Log, Point

PITCH = 1
WIDE = 50


@attrs.define(eq=False, kw_only=True, slots=False)
class LiveEcho(VirtioDevice):
    """An echo device. modern: worked out after a load. lines: what the guest has not fetched."""

    loud: bool = False
    counter: int = 0
    limit: int = 100
    tag: bytes = bytes(8)
    muted: bool = False
    pitch: int = 0
    volume: int = 0
    points: list[Point] = attrs.field(factory=list)
    gain: int = 100
    lines: bytes = b""
    level: int = 0
    modern: int = 0


class VirtioEcho:
    """The hooks of virtio-echo."""

    @hookimpl
    def describe_driver(self) -> DeviceDriver:
        return DeviceDriver(
            name="virtio-echo",
            device_id=99,
            version=2,
            minimum_version=1,
            state=EchoState,
            queue_names=("requestq", "answerq"),
            control_queue="controlq",
            features={0: "ECHO", PITCH: "PITCH", WIDE: "WIDE"},
            facts=(LOUD,),
            view=view,
        )

    @hookimpl
    def create_device(self, state: VirtioState) -> LiveEcho:
        return LiveEcho(loud=state.device.volume is not None)

    @hookimpl
    def save_device(self, device: LiveEcho) -> EchoState:
        log = None
        if device.lines or device.level:
            log = Log(length=len(device.lines), text=device.lines, level=device.level)
        return EchoState(
            counter=device.counter,
            limit=device.limit,
            tag=device.tag,
            muted=device.muted,
            pitch=device.pitch if device.has_feature(PITCH) else None,
            volume=device.volume if device.loud else None,
            points_len=len(device.points),
            points=tuple(device.points),
            gain=device.gain,
            log=log,
        )

    @hookimpl
    def load_device(self, device: LiveEcho, state: EchoState) -> None:
        if (state.volume is not None) is not device.loud:
            raise DeviceMismatch("one is loud, the other is not", path="device.volume")
        if state.log is not None and not (state.log.length or state.log.level):
            raise DeviceMismatch("an empty log is never sent", path="device.log")
        device.counter = state.counter
        device.limit = state.limit
        device.tag = state.tag
        device.muted = state.muted
        device.pitch = state.pitch or 0
        device.volume = state.volume or 0
        device.points = list(state.points)
        device.gain = 100 if state.gain is None else state.gain
        device.lines = b"" if state.log is None else state.log.text
        device.level = 0 if state.log is None else state.log.level

    @hookimpl
    def post_load(self, device: LiveEcho) -> None:
        device.modern = 2 if device.has_feature(WIDE) else 1


def view(state: EchoState) -> dict[str, object]:
    """What people ask for."""
    return {{"answered": f"{{state.counter}} of {{state.limit}}", "tag": state.tag.hex()}}


plugin = VirtioEcho()
'''

TRANSPORT_STATE = '''
"""What virtio-tube saves of its own."""
from __future__ import annotations

from virtmig.api import be16, be32, record, subsection, u8, wire


@record()
class TubeConfig:
    """The proxy part of a device on a tube."""

    place: int = wire(be16, "distance from the start, in millimetres")
    pressure: int = wire(be32, "in pascal")


@record()
class TubeQueue:
    """What a tube adds to each queue."""

    vector: int = wire(be16, "number of the valve that tells of used buffers")


@record("tube/leak")
class Leak:
    """Sent while the tube leaks."""

    rate: int = wire(u8, "millilitres a second, never 0")


@record("tube")
class TubeExtra:
    """What a tube keeps in the core's subsection."""

    leak: Leak | None = wire(subsection(Leak), "how it leaks")
'''

TRANSPORT_LIVE = '''
"""The live virtio-tube and its hooks."""
from __future__ import annotations

import attrs

from virtmig.api import DeviceMismatch, Transport, TransportDriver, VirtioState, hookimpl
from {package}.state import Leak, TubeConfig, TubeExtra, TubeQueue


@attrs.define(eq=False, kw_only=True, slots=False)
class Tube(Transport):
    """A tube. place cannot be loaded; rate: 0 as long as it does not leak."""

    place: int
    pressure: int = 0
    rate: int = 0
    pending: bool = False


class VirtioTube:
    """The hooks of virtio-tube."""

    @hookimpl
    def describe_driver(self) -> TransportDriver:
        return TransportDriver(
            name="virtio-tube",
            path_pattern="tube:[0-9]+",
            config=TubeConfig,
            queue=TubeQueue,
            extra=TubeExtra,
        )

    @hookimpl
    def create_transport(self, state: VirtioState) -> Tube:
        return Tube(place=state.config.place)

    @hookimpl
    def save_config(self, transport: Tube) -> TubeConfig:
        return TubeConfig(place=transport.place, pressure=transport.pressure)

    @hookimpl
    def load_config(self, transport: Tube, state: TubeConfig) -> None:
        if state.place != transport.place:
            raise DeviceMismatch("it sits at another place", path="config.place")
        transport.pressure = state.pressure

    @hookimpl
    def save_queue(self, transport: Tube, index: int) -> TubeQueue:
        return TubeQueue(vector=transport.device.queues[index].vector)

    @hookimpl
    def load_queue(self, transport: Tube, index: int, state: TubeQueue) -> None:
        transport.device.queues[index].vector = state.vector

    @hookimpl
    def notify(self, transport: Tube, vector: int) -> None:
        transport.pending = True

    @hookimpl
    def has_extra_state(self, transport: Tube) -> bool:
        return True

    @hookimpl
    def save_extra_state(self, transport: Tube) -> TubeExtra:
        return TubeExtra(leak=Leak(rate=transport.rate) if transport.rate else None)

    @hookimpl
    def load_extra_state(self, transport: Tube, state: TubeExtra) -> None:
        if state.leak is not None and not state.leak.rate:
            raise DeviceMismatch("a leak of nothing", path="subsections.virtio/extra_state.leak")
        transport.rate = 0 if state.leak is None else state.leak.rate


plugin = VirtioTube()
'''

SECTION_STATE = '''
"""What echo-disk saves."""
from __future__ import annotations

from virtmig.api import SectionDriver, array, be16, be32, hookimpl, record, since, wire


@record()
class DiskState:
    """A disk that an echo device writes to."""

    heads: int = wire(be16.upto(64), "entries in `tracks`")
    tracks: tuple[int, ...] = wire(array(be32, "heads"), "where each head is")
    cache: int | None = wire(be16, "dirty sectors", when=since(2))


class EchoDisk:
    """Data only."""

    @hookimpl
    def describe_driver(self) -> SectionDriver:
        return SectionDriver(
            name="echo-disk", parent="virtio-echo", version=2, minimum_version=1, state=DiskState
        )


plugin = EchoDisk()
'''
