"""Parts of QEMU command lines: the devices the test machines are put together from."""

from __future__ import annotations

Args = tuple[str, ...]

LEGACY = "disable-legacy=off,disable-modern=on"
MODERN = "disable-legacy=on,disable-modern=off"
TRANSITIONAL = "disable-legacy=off,disable-modern=off"

TAP = "virtmig0"
TAP_ADDRESS = "10.77.0.2/24"
TAP_MAC = "52:54:00:77:00:02"
TAP_GUEST = "lab_ip=10.77.0.15 lab_peer=10.77.0.2"

# where the burst of init.sh works, in sectors: one area for each CPU
BURST_START, BURST_STEP = 32 << 11, 2 << 11


def blk(bus: str, props: str = "", number: int = 0) -> Args:
    """Describe a virtio-blk device on an image of its own."""
    return (
        *("-drive", f"file=disk{number}.img,if=none,id=d{number},format=raw"),
        *("-device", f"virtio-blk-{bus},id=blk{number},drive=d{number}{_more(props)}"),
    )


def net(bus: str, props: str = "", number: int = 0) -> Args:
    """Describe a virtio-net device on QEMU's user network."""
    return (
        *("-netdev", f"user,id=n{number}"),
        *("-device", f"virtio-net-{bus},id=net{number},netdev=n{number}{_more(props)}"),
    )


def tap(bus: str, pairs: int, props: str = "") -> Args:
    """Describe a virtio-net device on a tap interface, which alone offers several queue pairs."""
    queues = f",queues={pairs}" if pairs > 1 else ""
    return (
        *("-netdev", f"tap,id=n0,ifname={TAP},script=no,downscript=no{queues}"),
        *("-device", f"virtio-net-{bus},id=net0,netdev=n0{_more(props)}"),
    )


def failing_blk(bus: str, kind: str, props: str = "", cpus: int = 1) -> Args:
    """Describe a virtio-blk device whose reads or writes fail where the burst of the guest works.

    The first failure stops the machine, and requests that failed stay with the device, to be tried
    again; so they are in the stream. One bad sector every 512 KiB catches each piece a request may
    be split into. With several CPUs the disk is slow, and still busy with the round's own requests
    when the burst comes: so the requests of all CPUs pile up before the first one fails.
    """
    rules = []
    area = range(BURST_START, BURST_START + cpus * BURST_STEP, 1024)
    for number, sector in enumerate(area):
        rule = f"file.inject-error.{number}"
        rules.append(f"{rule}.event=none,{rule}.iotype={kind},{rule}.sector={sector}")
    throttle = ["throttling.bps-total=4194304"] if cpus > 1 else []
    image = "driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=disk0.img"
    return (
        *("-drive", ",".join([image, "if=none,id=d0", *throttle, *rules])),
        *("-device", f"virtio-blk-{bus},id=blk0,drive=d0,rerror=stop,werror=stop{_more(props)}"),
    )


def several(bus: str) -> Args:
    """Describe two disks and two networks."""
    nets = (*net(bus), *net(bus, "mac=52:54:00:00:00:02", 1))
    return (*blk(bus), *blk(bus, "", 1), *nets)


def foreign(bus: str) -> Args:
    """Describe one of each further virtio device."""
    return (
        *("-device", f"virtio-rng-{bus},id=rng0"),
        *("-device", f"virtio-balloon-{bus},id=balloon0"),
        *("-device", f"virtio-serial-{bus},id=serial0", "-chardev", "null,id=c0"),
        *("-device", "virtserialport,chardev=c0,name=port0"),
        *("-device", f"virtio-scsi-{bus},id=scsi0"),
        *("-drive", "file=disk2.img,if=none,id=d2,format=raw", "-device", "scsi-hd,drive=d2"),
    )


def root_ports() -> Args:
    """Describe two PCI Express ports to plug devices into."""
    ports = (f"pcie-root-port,id=rp{number},chassis={number + 1}" for number in range(2))
    return tuple(word for port in ports for word in ("-device", port))


def shared_memory(size: int) -> Args:
    """Describe guest RAM in a shared file, which `x-ignore-shared` leaves out of the stream."""
    return ("-object", f"memory-backend-file,id=ram,size={size}M,mem-path=ram,share=on")


def _more(props: str) -> str:
    return f",{props}" if props else ""
