"""Where live laws are tried: live devices around the driver under test, and states for them."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar, cast

import attrs

from virtmig.errors import (
    EncodeError,
    LoadRefused,
    MissingFact,
    NotYetLoaded,
    VirtmigError,
    told,
)
from virtmig.hooks.registry import Drivers
from virtmig.live.blueprint import ANY_HIGH_FEATURE, implied_host_features, implied_queue_sizes
from virtmig.live.device import Transport, VirtioDevice
from virtmig.live.procedure import OnStep, virtio_load, virtio_save
from virtmig.testing.crash import PLAIN, hook_of
from virtmig.testing.diff import named
from virtmig.testing.draw import Draw
from virtmig.testing.drawing import Undrawable
from virtmig.testing.drawn import drawing, record_classes
from virtmig.testing.report import LawBroken
from virtmig.testing.settings import given_facts, known_bits, scope_of
from virtmig.testing.stubs import (
    PLACE,
    KitConfig,
    KitState,
    kit_drivers,
    without_transport,
)
from virtmig.testing.subject import Subject
from virtmig.testing.whole import LIVE, of_values, with_core
from virtmig.virtio.envelope import Envelope
from virtmig.virtio.facts import Fact
from virtmig.virtio.state import VirtioState
from virtmig.wire.layout import ATTRIBUTE, layout_of

R = TypeVar("R")
EARLY = "reads_nothing_unloaded"
"""The law that tells of a load hook that looks at what is not loaded yet."""
CREATE = "let the create hook make a new live object of any decoded state"
WIDE = 1 << 63
"""A feature that every device of the bench offers, so that all 64 are looked at."""


@attrs.frozen
class Author:
    """What a test class adds: how to make a live object, and how to put another state into it."""

    make: Callable[[VirtioState], Any]
    scramble: Callable[[Any, Draw], None]


def evolved(record: R, **changes: Any) -> R:
    """A record with other values; type checkers do not see that records are attrs classes."""
    made: R = attrs.evolve(cast("Any", record), **changes)
    return made


def silent(*_: object) -> None:
    """Watch no step."""


@contextmanager
def asked(do: str) -> Generator[None]:
    """While a hook is asked: what it gets wrong is a broken law, but a refusal."""
    try:
        yield
    except LoadRefused:
        raise
    except VirtmigError as error:
        raise LawBroken(told(error), do=do, field=hook_of(error), first=LIVE) from error


@contextmanager
def scrambling(driver: Any) -> Generator[None]:
    """While the author's test works: its own exceptions are its own, declarations are judged."""
    try:
        yield
    except (Undrawable, MissingFact):
        with drawing(driver):
            raise


class Bench(ABC):
    """A driver under test with the kit's own driver on its other side."""

    def __init__(self, subject: Subject, author: Author, *observers: Any) -> None:
        self.subject = subject
        self.author = author
        self.drivers = self._drivers(observers)

    @cached_property
    def counts(self) -> set[str]:
        """The fields that count items of others: `EchoState.points_len`."""
        classes = record_classes(self.subject.driver)
        return {f"{cls.__name__}.{name}" for cls in classes for name in layout_of(cls).counts}

    @property
    def features(self) -> int:
        """All feature bits of the device type: a device offers them, accepted or not."""
        found = sum(1 << bit for bit in known_bits(self.drivers.device.driver))
        return found | ANY_HIGH_FEATURE if found >> 64 else found

    @property
    def layout(self) -> Envelope:
        """How sections of the two drivers are laid out."""
        return self.drivers.envelope

    @property
    def version(self) -> int:
        """The section version that is written."""
        return self.drivers.device.driver.version

    @abstractmethod
    def _drivers(self, observers: tuple[Any, ...]) -> Drivers: ...
    @abstractmethod
    def _draw_state(self, draw: Draw, version: int) -> VirtioState: ...

    def draw_state(self, draw: Draw, version: int | None = None) -> VirtioState:
        """A state whose core parts fit each other, and whose other parts are drawn."""
        with drawing(self.subject.driver):
            return self._draw_state(draw, self.version if version is None else version)

    @abstractmethod
    def parts(self, state: VirtioState) -> dict[str, Any]:
        """The records of the driver under test in a state, by path."""

    @abstractmethod
    def put(self, state: VirtioState, parts: dict[str, Any]) -> VirtioState:
        """The state with other records of the driver under test."""

    @abstractmethod
    def live(self, device: VirtioDevice) -> Any:
        """The live object of the driver under test."""

    @abstractmethod
    def created(self, state: VirtioState) -> Any:
        """A live object as the create hook makes it."""

    @abstractmethod
    def fresh(self, state: VirtioState) -> VirtioDevice:
        """A device as just plugged in, with the properties that `state` implies."""

    def furnish(self, device: VirtioDevice, state: VirtioState, transport: Transport) -> None:
        """What the core adds to a device that was just made."""
        with_core(device)
        device.name = self.drivers.device.driver.name
        device.target_endian = "little"
        device.facts = state.facts
        device.host_features |= implied_host_features(state) | WIDE | self.features
        device.config = bytes(len(state.common.config))
        if not device.queues:
            device.add_queues(implied_queue_sizes(state))
        device.plug(transport)

    def negotiated(self, state: VirtioState) -> VirtioDevice:
        """A fresh device whose guest driver has done to the core what `state` says of it."""
        device = self.fresh(state)
        core = attrs.evolve(state, config=KitConfig(address=0), device=KitState(), outer=None)
        queues = tuple(evolved(q, transport=without_transport(q.transport)) for q in state.queues)
        tails = evolved(state.subsections, extra_state=None)
        core = attrs.evolve(core, queues=queues, subsections=tails)
        self._load_core(device, core)
        vars(device.transport).pop(PLACE, None)
        return device

    @staticmethod
    def _load_core(device: VirtioDevice, state: VirtioState) -> None:
        """Put the core's part into a device that was just made; it has to have room for it."""
        try:
            virtio_load(device, kit_drivers(), state)
        except LoadRefused as error:
            do = "leave queues and features to the core, and make a new object each time"
            text = f"a device just made cannot take the core's part: {error}"
            raise LawBroken(text, do=do, field=type(device).__name__, first=LIVE) from error

    def scrambled(self, state: VirtioState, draw: Draw) -> VirtioDevice:
        """A device in some state that a guest could have reached."""
        device = self.negotiated(state)
        self.scramble(device, state, draw)
        return device

    def in_use(self, state: VirtioState, draw: Draw) -> VirtioDevice:
        """The same with the core in another state too: status, interrupts, features."""
        device = self.negotiated(state)
        device.status, device.isr = draw.integer(0, 15), draw.integer(0, 3)
        own = known_bits(self.drivers.device.driver)
        device.guest_features ^= sum(1 << bit for bit in own if draw.boolean())
        device.guest_features_lo = device.guest_features & 0xFFFFFFFF
        core = virtio_save(device, kit_drivers())
        setting = attrs.evolve(state, common=core.common, subsections=core.subsections)
        self.scramble(device, setting, draw)
        return device

    def scramble(self, device: VirtioDevice, state: VirtioState, draw: Draw) -> None:
        """Let the author's test change the device."""
        draw.scope = lambda: scope_of(self.layout, state, self.version)
        live = self.live(device)
        try:
            with scrambling(self.subject.driver):
                self.author.scramble(live, draw)
        except AttributeError as error:
            if type(live) not in (VirtioDevice, Transport):
                raise
            kind = type(live).__name__
            text = f"scramble cannot work on a plain {kind}: {told(error)}"
            where = f"create_{self.subject.kind}"
            raise LawBroken(text, do=PLAIN, field=where, first=LIVE) from error

    def save(self, device: VirtioDevice, on_step: OnStep = silent) -> VirtioState:
        """The state of a device; what the plugin gets wrong in it is a broken law."""
        try:
            made = virtio_save(device, self.drivers, on_step)
        except VirtmigError as error:
            do = "let the hook return its record for every state that a guest can reach"
            text = f"saving failed: {told(error)}"
            raise LawBroken(text, do=do, field=hook_of(error), first=LIVE) from error
        self._are_records(made)
        return made

    def _are_records(self, state: VirtioState) -> None:
        """A subclass of a record is none: fields and bytes are declared for one class alone."""
        for path, part in self.parts(state).items():
            kind: type[Any] = part.__class__
            base = next((one for one in kind.__mro__ if ATTRIBUTE in vars(one)), kind)
            if base is not kind:
                do = f"let the save hook return {base.__name__}(...) itself, and no subclass of it"
                text = f"what is saved is a {kind.__name__}, which no layout is declared for"
                raise LawBroken(text, do=do, field=path, first=LIVE)
            of_values(part)

    def load(self, device: VirtioDevice, state: VirtioState, on_step: OnStep = silent) -> None:
        """Load a state; anything but a refusal is a broken law."""
        try:
            virtio_load(device, self.drivers, state, None, on_step)
        except LoadRefused:
            raise
        except VirtmigError as error:
            text, do = f"loading failed: {told(error)}", _load_advice(error)
            first = EARLY if isinstance(error, NotYetLoaded) else LIVE
            raise LawBroken(text, do=do, field=hook_of(error), first=first) from error

    def payload(self, state: VirtioState) -> tuple[VirtioState, bytes]:
        """The bytes of a saved state, under the facts that fit its device."""
        failed: VirtmigError | None = None
        for facts in self._facts_to_try(state):
            tried = attrs.evolve(state, facts=facts)
            try:
                return tried, self.layout.unparse(tried, self.version)
            except EncodeError as error:
                failed = failed or error
        assert failed is not None  # noqa: S101  there is always one set of facts to try
        do = "save the record that the layout declares: counts, conditions and types have to fit; "
        do += "or let scramble draw only what a guest can reach"
        field = named(self.layout.parts, failed.where.path, self.layout.scope({}, 0))
        raise LawBroken(f"it cannot be written: {failed}", do=do, field=field, first=LIVE)

    def _facts_to_try(self, state: VirtioState) -> Iterator[tuple[Fact, ...]]:
        """The facts of the device first, then all others that the driver's layouts ask for."""
        yield state.facts
        known = self.layout.open_facts
        for values in itertools.product(*(fact.candidates for fact in known.values())):
            yield given_facts(dict(zip(known, values, strict=True)))


def _load_advice(error: VirtmigError) -> str:
    if isinstance(error, NotYetLoaded):
        return "move what needs it to post_load; load_device runs before the subsections"
    if "belongs to the" in error.reason:
        return "leave the core's alone, it restores them itself; give your own another name"
    if "returned" in error.reason:
        return "return what the hook's reference says: load hooks return nothing"
    return "raise DeviceMismatch if the device cannot take this state; let nothing else out"
