"""The waist of the hourglass: a virtio device's state in five parts, frozen and typed."""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.virtio.common import CommonState, QueueState
from virtmig.virtio.facts import Fact
from virtmig.virtio.subsections import Subsections


@attrs.frozen(kw_only=True)
class VirtioState:
    """All that one virtio section says.

    config: the transport's proxy record. common: common device fields. queues: one entry per
    queue slot before the first of size 0. device: the device type's record. subsections: the
    core's subsections. outer: fields of the device's own vmsd behind all that (virtio-gpu);
    None for most device types. facts: what the bytes do not say and their layout depended on.
    """

    config: Any
    common: CommonState
    queues: tuple[QueueState, ...]
    device: Any
    subsections: Subsections
    outer: Any = None
    facts: tuple[Fact, ...] = ()

    @property
    def guest_features(self) -> int:
        """Features that the guest driver accepted, of any width (QEMU: virtio_load)."""
        tails = self.subsections
        low = self.common.guest_features_lo
        if tails.features_64 is not None:
            low = tails.features_64.guest_features
        high = tails.features_128.features_hi if tails.features_128 is not None else 0
        return high << 64 | low

    def has_feature(self, bit: int) -> bool:
        """Whether the guest driver accepted feature `bit`."""
        return bool(self.guest_features >> bit & 1)


@attrs.frozen(kw_only=True)
class SectionState:
    """All that a section says which belongs to a virtio device without being one (`scsi-disk`).

    fields: the record that its driver declares. facts: as in `VirtioState`.
    """

    fields: Any
    facts: tuple[Fact, ...] = ()


def parts_of(state: VirtioState | SectionState) -> dict[str, Any]:
    """The records of a state by name, in wire order."""
    names = [field.name for field in attrs.fields(state.__class__) if field.name != "facts"]
    return {name: getattr(state, name) for name in names}
