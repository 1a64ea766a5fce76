"""What virtio-gpu saves behind the virtio core, as a whole."""

from __future__ import annotations

from virtmig.api import be32, keyed, record, sbe32, subsection, wire
from virtmig_gpu.scanouts import Scanouts
from virtmig_gpu.state import MAX_SCANOUTS, Blobs, Resource, Scanout


@record("virtio-gpu")
class GpuOuter:
    """What virtio-gpu saves behind the core (QEMU: hw/display/virtio-gpu.c, vmstate_virtio_gpu)."""

    resources: tuple[Resource, ...] = wire(keyed(Resource), "newest first")
    enable: int = wire(sbe32, "1: the driver has set a scanout, and virtio-vga is no VGA now")
    max_outputs: int = wire(be32.upto(MAX_SCANOUTS), "scanouts that the device was created with")
    scanouts: tuple[Scanout, ...] = wire(Scanouts(), "the screens")
    blobs: Blobs | None = wire(subsection(Blobs), "blob resources")
