"""The benches of both kinds of driver with live objects: devices and transports."""

from __future__ import annotations

from typing import Any

import attrs

from virtmig.hooks.bound import BoundDevice, BoundTransport
from virtmig.hooks.registry import Drivers
from virtmig.live.device import Transport, VirtioDevice
from virtmig.testing.bench import CREATE, Bench, asked, evolved
from virtmig.testing.draw import Draw
from virtmig.testing.settings import (
    draw_core,
    draw_facts,
    draw_features,
    given_facts,
    known_bits,
    scope_of,
)
from virtmig.testing.stubs import kit_device, kit_transport
from virtmig.virtio.state import VirtioState
from virtmig.virtio.subsections import ExtraState

QUEUES = (1, 2, 3) * 3 + (9, 17, 70)
"""How many queues a device on a bus under test has: mostly few, some more than a byte has bits."""


class DeviceBench(Bench):
    """A device type on the kit's own transport."""

    def _drivers(self, observers: tuple[Any, ...]) -> Drivers:
        made = BoundDevice(self.subject.plugin, self.subject.name, self.subject.owner, observers)
        return Drivers(kit_transport(*observers), made)

    def _draw_state(self, draw: Draw, version: int) -> VirtioState:
        driver = self.drivers.device.driver
        features = draw_features(draw, known_bits(driver))
        roles = (*driver.first_queues, *driver.queue_names)
        least = max(1, len(roles) + bool(driver.control_queue))
        core = draw_core(draw, features, draw.integer(least, least + 2))
        state = attrs.evolve(core, facts=given_facts(draw_facts(draw, self.layout)))
        scope = scope_of(self.layout, state, version)
        draw.scope = lambda: scope
        state = attrs.evolve(state, device=draw.record(driver.state))
        if driver.outer is not None:
            scope.parts |= {"device": state.device, "subsections": state.subsections}
            state = attrs.evolve(state, outer=draw.record(driver.outer))
        return state

    def parts(self, state: VirtioState) -> dict[str, Any]:
        found = {"device": state.device, "outer": state.outer}
        return {name: part for name, part in found.items() if part is not None}

    def put(self, state: VirtioState, parts: dict[str, Any]) -> VirtioState:
        return attrs.evolve(state, **parts)

    def live(self, device: VirtioDevice) -> Any:
        return device

    def created(self, state: VirtioState) -> VirtioDevice:
        with asked(CREATE):
            return self.drivers.device.create_device(state)

    def fresh(self, state: VirtioState) -> VirtioDevice:
        device: VirtioDevice = self.author.make(state)
        self.furnish(device, state, Transport())
        return device


class TransportBench(Bench):
    """A transport with the kit's own device on it."""

    def _drivers(self, observers: tuple[Any, ...]) -> Drivers:
        subject = self.subject
        made = BoundTransport(subject.plugin, subject.name, subject.owner, observers)
        return Drivers(made, kit_device(*observers))

    def _draw_state(self, draw: Draw, version: int) -> VirtioState:
        driver = self.drivers.transport.driver
        core = draw_core(draw, draw_features(draw, ()), draw.choice(QUEUES))
        state = attrs.evolve(core, facts=given_facts(draw_facts(draw, self.layout)))
        scope = scope_of(self.layout, state, version)
        draw.scope = lambda: scope
        config = draw.record(driver.config)
        scope.parts["config"] = config
        align = 4096 if driver.vring_align else None
        queues = tuple(
            evolved(queue, align=align, transport=draw.record(driver.queue))
            for queue in state.queues
        )
        state = attrs.evolve(state, config=config, queues=queues)
        return self._extra(draw, state, driver.extra)

    def _extra(self, draw: Draw, state: VirtioState, extra: type[Any] | None) -> VirtioState:
        """With the transport's own subsections; without them only if it can be without."""
        if extra is None:
            return state
        if not draw.boolean():
            transport = self.live(self.fresh(state))
            with asked("return True or False"):
                if not self.drivers.transport.has_extra_state(transport):
                    return state
        tail = ExtraState(state=draw.record(extra))
        return attrs.evolve(state, subsections=evolved(state.subsections, extra_state=tail))

    def parts(self, state: VirtioState) -> dict[str, Any]:
        found = {"config": state.config}
        found |= {f"queues[{n}]": queue.transport for n, queue in enumerate(state.queues)}
        if state.subsections.extra_state is not None:
            found["extra_state"] = state.subsections.extra_state.state
        return found

    def put(self, state: VirtioState, parts: dict[str, Any]) -> VirtioState:
        queues = tuple(
            evolved(queue, transport=parts.get(f"queues[{n}]", queue.transport))
            for n, queue in enumerate(state.queues)
        )
        tails = state.subsections
        if "extra_state" in parts:
            tails = evolved(tails, extra_state=ExtraState(state=parts["extra_state"]))
        config = parts.get("config", state.config)
        return attrs.evolve(state, config=config, queues=queues, subsections=tails)

    def live(self, device: VirtioDevice) -> Any:
        return device.transport

    def created(self, state: VirtioState) -> Transport:
        with asked(CREATE):
            return self.drivers.transport.create_transport(state)

    def fresh(self, state: VirtioState) -> VirtioDevice:
        device = VirtioDevice()
        transport: Transport = self.author.make(state)
        self.furnish(device, state, transport)
        return device
