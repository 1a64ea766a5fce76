"""Every QEMU to every other: saved, taken through virtmig's live devices, loaded, and going on.

All have the machine types of 5.2. Where QEMU refuses its own stream, it has to refuse the one that
virtmig saved as well: virtmig neither hides a defect nor adds one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.qemu.cases import Case
from tests.qemu.corpus import prepare, reach
from tests.qemu.devices import blk, net
from tests.qemu.machine import QemuFailed, installs
from tests.qemu.test_boot_on import assert_goes_on, through_virtmig

if TYPE_CHECKING:
    from pathlib import Path

    from tests.qemu.machine import Install, Qemu

pytestmark = pytest.mark.qemu

MACHINES = {
    "pc": Case("matrix", "x86", "pc-i440fx-5.2", (*blk("pci"), *net("pci"))),
    "q35": Case("matrix", "x86", "pc-q35-5.2", (*blk("pci"), *net("pci"))),
    "s390x": Case("matrix", "s390x", "s390-ccw-virtio-5.2", (*blk("ccw"), *net("ccw"))),
}
REFUSED = {("10.0", "11.1"): "exceeds allocated max"}
"""Pairs that QEMU itself cannot do, and its reason: 10.0.13 makes each ring 1,024 long."""


@pytest.mark.parametrize("machine", MACHINES)
def test_a_guest_goes_on_in_every_other_qemu(install: Install, machine: str, scratch: Path) -> None:
    """What the guest wrote before it was saved is what it reads after it, and its network works."""
    case = MACHINES[machine]
    saved, resaved = scratch / "saved.mig", scratch / "resaved.mig"
    with prepare(case, install) as source:
        reach(case, source)
        source.save(saved)
        before = source.serial
        source.quit()
        through_virtmig(saved, resaved)
        saved.unlink()
        for other in installs():
            with prepare(case, other) as target:
                target.put(source.work / "disk0.img")
                target.start(incoming=True)
                _goes_on_or_is_refused(before, target, resaved, install)


def _goes_on_or_is_refused(before: str, target: Qemu, stream: Path, source: Install) -> None:
    reason = REFUSED.get((source.version, target.install.version))
    if reason is not None:
        with pytest.raises(QemuFailed, match=reason):
            target.load(stream)
        return
    target.load(stream)
    target.cont()
    assert_goes_on(before, target)
