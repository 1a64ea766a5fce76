"""What virtio-balloon saves of its own (QEMU: hw/virtio/virtio-balloon.c)."""

from __future__ import annotations

from virtmig.api import be32, conditional, record, subsection, wire


@record("virtio-balloon-device/free-page-report")
class FreePageHint:
    """Free page hinting; sent when FREE_PAGE_HINT was accepted (virtio 1.3 section 5.5.6.7)."""

    free_page_hint_cmd_id: int = wire(
        be32, "command that the guest is to answer, counted from 0x80000000 up"
    )
    free_page_hint_status: int = wire(be32, "0 stopped, 1 requested, 2 started, 3 done")


@record("virtio-balloon-device/page-poison")
class PagePoison:
    """Page poison; sent when PAGE_POISON was accepted."""

    poison_val: int = wire(be32, "what the guest fills its free pages with, repeated")


@record("vitio-balloon-device/page-poison")
class PagePoisonOf51:
    """Page poison under the name that QEMU 5.1 and 5.2 write, and no QEMU reads."""

    poison_val: int = wire(be32, "what the guest fills its free pages with, repeated")


@record("virtio-balloon-device")
class BalloonState:
    """The device part (QEMU: vmstate_virtio_balloon_device)."""

    num_pages: int = wire(
        be32,
        "target size of the balloon, in pages of 4 KiB",
        edit=conditional("the guest follows it when it reads its config space the next time"),
    )
    actual: int = wire(
        be32,
        "size that the guest has reported, in pages of 4 KiB",
        edit=conditional("QEMU reports it until the guest says another size"),
    )
    free_page_hint: FreePageHint | None = wire(
        subsection(FreePageHint), "progress of a search for pages that need no migration"
    )
    page_poison: PagePoison | None = wire(subsection(PagePoison), "sent by all but 5.1 and 5.2")
    vitio_page_poison: PagePoisonOf51 | None = wire(
        subsection(PagePoisonOf51, misnamed=True), "sent by QEMU 5.1 and 5.2 instead"
    )
