"""What virtio-iommu saves of its own: domains with their mappings and endpoints."""

from __future__ import annotations

from virtmig.api import (
    be32,
    be64,
    boolean,
    marked,
    record,
    since,
    tree,
    u8,
    unsafe,
    wire,
)


@record()
class Mapping:
    """A range of addresses that devices of a domain may use (QEMU: vmstate_interval_mapping)."""

    low: int = wire(be64, "first I/O virtual address")
    high: int = wire(be64, "last I/O virtual address")
    phys_addr: int = wire(be64, "guest physical address of the first")
    flags: int = wire(be32, "bit 0: read, bit 1: write, bit 2: memory-mapped I/O")


@record()
class Endpoint:
    """A device behind the IOMMU (QEMU: vmstate_endpoint)."""

    id: int = wire(be32, "endpoint ID; on PCI bus, device and function: bus << 8 | devfn")


@record()
class Domain:
    """Endpoints that share an address space (QEMU: vmstate_domain)."""

    key: int = wire(be64, "the domain's id again, as the key of the tree")
    id: int = wire(be32, "domain ID that the driver chose")
    mappings: tuple[Mapping, ...] = wire(tree(Mapping), "by address")
    endpoint_list: tuple[Endpoint, ...] = wire(marked(Endpoint), "last attached first")
    bypass: bool | None = wire(
        boolean, "addresses go through unchanged; such a domain has no mappings", when=since(2)
    )


@record()
class IommuState:
    """The device part (QEMU: hw/virtio/virtio-iommu.c, vmstate_virtio_iommu_device)."""

    domains: tuple[Domain, ...] = wire(
        tree(Domain),
        "by id",
        edit=unsafe("the devices behind it would reach other memory than the guest has given them"),
    )
    bypass: int | None = wire(
        u8,
        "1: endpoints without a domain are not translated (field `bypass` of the config)",
        when=since(2),
        edit=unsafe("devices without a domain would reach all memory, or none"),
    )
