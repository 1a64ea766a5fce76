"""One device as JSON data: the five parts, and beside them what people ask of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from virtmig.errors import GuestMemoryError, VirtmigError, told
from virtmig.formats import tree
from virtmig.guest.vring import Memory, SplitRing
from virtmig.hooks.bound import Bound
from virtmig.reading import Attached, Decoded, Found, Undecoded
from virtmig.stream.sections import Section
from virtmig.virtio.drivers import View
from virtmig.virtio.facts import Fact
from virtmig.virtio.features import ISR, STATUS, feature_names, names
from virtmig.virtio.rings import RingPlace, ring_places
from virtmig.virtio.state import VirtioState

SCHEMA = 1
"""Version of the JSON that the `virtmig` command prints; raised when a reader could break."""


def device_view(device: Found, memory: Memory | None) -> dict[str, Any]:
    """A device for `inspect --json`; `memory` fills in the rings' own indices."""
    if isinstance(device, Undecoded):
        return {**section_view(device.section), "error": error_view(device.error)}
    if isinstance(device, Attached):
        return _attached_view(device)
    state, driver = device.state, device.drivers.device.driver
    transport = device.drivers.transport.driver
    view = {
        **section_view(device.section),
        "transport": transport.name,
        "device": driver.name,
        "guest_features": state.guest_features,
        "feature_names": feature_names(state.guest_features, driver.features),
        "status_names": names(state.common.status, STATUS),
        "isr_names": names(state.common.isr, ISR),
        "facts": _facts(state.facts),
        "config_space": device.config_space,
        "rings": rings_view(state, device, memory),
        "state": tree.from_state(state, device.layout, text=True),
    }
    if transport.view is not None:
        view["proxy"] = _summary(device.drivers.transport, transport.view, state.config)
    if driver.view is not None:
        view["summary"] = _summary(device.drivers.device, driver.view, state.device)
    if driver.outer_view is not None:
        view["outer_summary"] = _summary(device.drivers.device, driver.outer_view, state.outer)
    return view


def _attached_view(found: Attached) -> dict[str, Any]:
    """A section without virtio: its fields, and whose it is."""
    driver = found.bound.driver
    view = {
        **section_view(found.section),
        "attached_to": driver.parent,
        "facts": _facts(found.state.facts),
        "state": tree.from_state(found.state, found.layout, text=True),
    }
    if driver.view is not None:
        view["summary"] = _summary(found.bound, driver.view, found.state.fields)
    return view


def _facts(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    return [{"name": fact.name, "value": fact.value, "source": fact.source.value} for fact in facts]


def _summary(bound: Bound, view: View, record: Any) -> Any:
    """A plugin's summary, or in its place the reason why there is none."""
    try:
        made = dict(view(record))
        json.dumps(made)
    except Exception as error:  # noqa: BLE001  a plugin's own code may fail in any way
        return f"{bound.owner}: its view failed: {told(error)}"
    return made


def section_view(section: Section) -> dict[str, Any]:
    """A section's identity."""
    return {
        "idstr": section.idstr,
        "instance_id": section.instance_id,
        "version_id": section.version_id,
    }


def error_view(error: VirtmigError) -> dict[str, Any]:
    """An error as data: its class, its place, its reason and what to do."""
    return {
        "type": type(error).__name__,
        "message": str(error),
        "section": error.where.section,
        "path": error.where.path,
        "offset": error.where.offset,
        "reason": error.reason,
        "hint": error.hint,
    }


def rings_view(state: VirtioState, device: Decoded, memory: Memory | None) -> list[dict[str, Any]]:
    """Each virtqueue that is set up: addresses, and indices as far as they can be known."""
    driver = device.drivers.device.driver
    views: list[dict[str, Any]] = []
    for place in ring_places(state, device.endian):
        view: dict[str, Any] = {
            "index": place.index,
            "name": driver.queue_name(place.index, len(state.queues)),
            "num": place.num,
            "desc": place.desc,
            "avail": place.avail,
            "used": place.used,
            "last_avail_idx": state.queues[place.index].last_avail_idx,
        }
        view |= _packed(state, place) if place.packed else _split(view, place, memory)
        views.append(view)
    return views


def _packed(state: VirtioState, place: RingPlace) -> dict[str, Any]:
    """A packed ring has its whole position in the stream."""
    tail = state.subsections.packed_virtqueues
    if tail is None or place.index >= len(tail.vq):
        return {"packed": True}
    row = tail.vq[place.index]
    return {
        "packed": True,
        "last_avail_wrap_counter": row.last_avail_wrap_counter,
        "used_idx": row.used_idx,
        "used_wrap_counter": row.used_wrap_counter,
        "inuse": row.inuse,
    }


def _split(view: dict[str, Any], place: RingPlace, memory: Memory | None) -> dict[str, Any]:
    """A split ring's indices lie in guest memory, which a stream can lack."""
    if memory is None:
        return {}
    ring = SplitRing(memory, place.num, place.desc, place.avail, place.used, place.endian)
    try:
        avail_idx, used_idx = ring.avail_idx(), ring.used_idx()
    except GuestMemoryError as error:
        return {"unread": str(error)}
    return {
        "avail_idx": avail_idx,
        "used_idx": used_idx,
        "inuse": (view["last_avail_idx"] - used_idx) & 0xFFFF,
    }
