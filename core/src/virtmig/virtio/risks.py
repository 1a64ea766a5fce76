"""What a change of the core's fields does to a guest that runs on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from virtmig.virtio.features import ISR, names
from virtmig.wire.meaning import Verdict, conditional, safe, unsafe

NEEDS_RESET = 1 << 6

RING = unsafe("the guest driver laid the ring out so and goes on using it there")
POSITION = unsafe("the device would take buffers twice or never, or return them at a wrong place")
SETUP_REGISTER = conditional("a driver that is just setting up a queue would write to another one")
CONFIG_CACHE = safe("the device fills its config space anew whenever the guest reads it")
QUEUE_COUNT = unsafe("the number of queues is a property of the device", always=True)
DEFAULT_SIZE = conditional("the next driver is offered this ring size, and the target has its own")
BYTE_ORDER = unsafe("the device would read the guest's rings in another byte order")


def status(old: Any, new: Any) -> Verdict:
    """Of the device status register."""
    if (old or 0) | NEEDS_RESET == new:
        return conditional("the driver may reset the device, or never look at this bit")
    return unsafe("the guest driver wrote this status and acts by it")


def interrupts(old: Any, new: Any) -> Verdict:
    """Of the interrupt status register."""
    undefined = names((new or 0) & ~(old or 0) & ~mask(ISR), ISR)
    if undefined:
        return unsafe(f"no device has {' and '.join(undefined)}: it is not defined", always=True)
    lost = (old or 0) & ~(new or 0)
    if not lost:
        return safe("the guest driver gets an interrupt at the most that has nothing to tell")
    text = " and ".join(names(lost, ISR))
    return unsafe(f"the interrupt {text} is lost, and the guest driver may wait for it for ever")


def accepted(old: Any, new: Any) -> Verdict:
    """Of a word of accepted features."""
    if new is None or old is None:
        return unsafe("the accepted features of this word are lost or made up")
    if old & ~new:
        return unsafe("the guest driver has accepted the feature and goes on using it")
    return unsafe("the guest driver has not accepted the feature and does not know of it")


def broken(old: Any, new: Any) -> Verdict:
    """Of a device that gave up."""
    if _flag(old, "broken") == _flag(new, "broken"):
        return safe("a device whose stream says nothing of it is not broken either")
    if _flag(new, "broken"):
        return unsafe("the device would serve the guest driver no more")
    return unsafe("the device gave up because the guest driver's rings cannot be trusted")


def started(old: Any, new: Any) -> Verdict:
    """Of the flag that QEMU keeps beside DRIVER_OK."""
    if _flag(old, "started") == _flag(new, "started"):
        return safe("a device whose stream says nothing of it is not started either")
    return unsafe("the device would start, or stop, without the guest driver")


def disabled(old: Any, new: Any) -> Verdict:
    """Of bus mastering that the guest switched off."""
    if _flag(old, "disabled") == _flag(new, "disabled"):
        return safe("a device whose stream says nothing of it is not disabled either")
    return unsafe("the device would write to memory although the guest forbade it, or the reverse")


def mask(known: Mapping[int, str]) -> int:
    """All bits that have names."""
    return sum(1 << bit for bit in known)


def _flag(value: Any, name: str) -> bool:
    """A flag of a subsection; the stream says nothing of it where it is not set."""
    if value is True or value is None:
        return bool(value)
    return bool(value and value.get(name))
