"""All devices of a stream, looked at for defects, and mended where that can be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from virtmig.errors import ContractBroken, DriverFailed, EncodeError, VirtmigError, told
from virtmig.guest.memory import guest_memory
from virtmig.hooks.registry import Registry
from virtmig.reading import Attached, Decoded, Found, Options, Undecoded, read_devices
from virtmig.repairing.common import COMMON_DEFECTS
from virtmig.repairing.finishing import Finishing
from virtmig.stream.editing import Edits
from virtmig.stream.opening import Stream
from virtmig.stream.sections import Section
from virtmig.virtio.defects import OLDEST, Defect, Diagnosis, Patient, Target
from virtmig.virtio.finishing import Outcome


@attrs.frozen
class Finding:
    """A defect that a device's section has.

    concerns: whether the target is known not to load it. If nothing is known of the target, there
    are findings that concern some versions only.
    """

    section: Section
    defect: Defect
    diagnosis: Diagnosis
    concerns: bool

    @property
    def mended(self) -> bool:
        """Whether it is gone in what is written."""
        return self.concerns and self.diagnosis.mended is not None

    @property
    def blocks(self) -> bool:
        """Whether the target refuses the stream because of it, and nothing helps."""
        return self.concerns and not self.mended and self.defect.harm == "refused"


@attrs.frozen(kw_only=True)
class Examination:
    """What was found in a stream, and the new payloads of the sections that were mended."""

    target: Target
    findings: tuple[Finding, ...]
    payloads: Mapping[Section, bytes]
    devices: tuple[Found, ...]
    """All that were looked at; one that is `Undecoded` may have any defect."""
    finishing: Finishing | None = None
    """The requests in flight that were finished, if that was asked for."""

    @property
    def edits(self) -> Edits:
        """What is to be written."""
        spans = self.finishing.spans if self.finishing is not None else {}
        return Edits(payloads=self.payloads, spans=spans)

    @property
    def unread(self) -> tuple[Undecoded, ...]:
        """The devices that stay bytes."""
        return tuple(one for one in self.devices if isinstance(one, Undecoded))

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Why the target would refuse the stream all the same."""
        return tuple(finding for finding in self.findings if finding.blocks)


def examine(
    stream: Stream,
    registry: Registry,
    target: Target,
    options: Options | None = None,
    outcome: Outcome | None = None,
) -> Examination:
    """Look at every virtio device of a stream; nothing is written.

    outcome: how requests in flight are to end; None: they stay.
    """
    finishing = None if outcome is None else Finishing(guest_memory(stream), outcome)
    target = attrs.evolve(target, machine=target.machine or stream.machine)
    findings: list[Finding] = []
    payloads: dict[Section, bytes] = {}
    devices = read_devices(stream, registry, options)
    for device in devices:
        if isinstance(device, Undecoded):
            continue
        try:
            found, payload = _treat(device, target, finishing)
        except VirtmigError as error:
            raise error.in_section(device.section.idstr) from error.__cause__
        findings += found
        if payload is not None:
            payloads[device.section] = payload
    return Examination(
        target=target,
        findings=tuple(findings),
        payloads=payloads,
        devices=tuple(devices),
        finishing=finishing,
    )


def _treat(
    device: Decoded | Attached, target: Target, finishing: Finishing | None
) -> tuple[list[Finding], bytes | None]:
    """The findings of one device, and its payload if it was mended."""
    state: Any = device.state
    findings: list[Finding] = []
    for defect, owner in _defects(device):
        concerns = defect.concerns(target.release)
        patient = Patient(
            idstr=device.section.idstr,
            state=state,
            driver=_driver(device),
            target=target if concerns else _any_other(target),
        )
        if not concerns and target.release is not None:
            continue  # that target loads it
        for diagnosis in _found(defect, patient, owner):
            findings.append(Finding(device.section, defect, diagnosis, concerns))
            if concerns and diagnosis.mended is not None:
                state = diagnosis.mended
    if finishing is not None and isinstance(device, Decoded):
        state = finishing.finish(device, state)
    if state is device.state:
        return findings, None
    return findings, _written(device, state)


def _driver(device: Decoded | Attached) -> Any:
    return device.bound.driver if isinstance(device, Attached) else device.drivers.device.driver


def _defects(device: Decoded | Attached) -> Iterator[tuple[Defect, str]]:
    """What a device of this kind can have, and who says so."""
    for defect in COMMON_DEFECTS:
        yield defect, "virtmig"
    owner = device.bound.owner if isinstance(device, Attached) else device.drivers.device.owner
    for defect in _driver(device).defects:
        yield defect, owner


def _any_other(target: Target) -> Target:
    """If nothing is known of the target, the one that knows least; else itself."""
    return target if target.release is not None else attrs.evolve(target, release=OLDEST)


def _found(defect: Defect, patient: Patient, owner: str) -> list[Diagnosis]:
    """What a defect's own code finds; an exception out of it names who wrote it."""
    try:
        found = list(defect.find(patient))
    except VirtmigError:
        raise
    except Exception as error:
        raise DriverFailed(f"{owner}: defect {defect.name}: {told(error)}") from error
    if sum(one.mended is not None for one in found) > 1:
        raise ContractBroken(f"{owner}: defect {defect.name}: more than one mended state")
    return found


def _written(device: Decoded | Attached, state: Any) -> bytes:
    """The payload of a mended state, which has to be read as just that state."""
    layout: Any = device.layout
    version = device.section.version_id
    payload: bytes = layout.unparse(state, version)
    again = layout.parse(payload, version, {fact.name: fact.value for fact in state.facts})
    if attrs.evolve(again, facts=()) != attrs.evolve(state, facts=()):
        raise EncodeError("the mended state is not read as it was written")
    return payload
