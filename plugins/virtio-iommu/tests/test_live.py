"""The two section versions of virtio-iommu, and what its summary says."""

from __future__ import annotations

import attrs
import pytest

from virtmig.api import DeviceMismatch, Scope, decode, encode
from virtmig_iommu.live import LiveIommu, iommu_view, plugin
from virtmig_iommu.state import Domain, Endpoint, IommuState, Mapping

DOMAIN = Domain(
    key=3,
    id=3,
    mappings=(Mapping(low=0x1000, high=0x1FFF, phys_addr=0x8000, flags=3),),
    endpoint_list=(Endpoint(id=0x10), Endpoint(id=8)),
    bypass=False,
)
STATE = IommuState(domains=(DOMAIN,), bypass=1)
OLD = IommuState(domains=(attrs.evolve(DOMAIN, bypass=None),), bypass=None)


@pytest.mark.parametrize(("version", "state"), [(1, OLD), (2, STATE)])
def test_each_version_has_its_own_fields(version: int, state: IommuState) -> None:
    scope = Scope(version=version)
    assert decode(IommuState, encode(state, scope), scope) == state


def test_a_version_2_section_is_two_bytes_longer_with_one_domain() -> None:
    old, new = encode(OLD, Scope(version=1)), encode(STATE, Scope(version=2))
    assert new == old[:-1] + b"\0" + old[-1:] + b"\1"


def test_endpoints_know_their_domain_after_a_load() -> None:
    device = LiveIommu()
    plugin.load_device(device, STATE)
    assert device.domain_of == {0x10: 3, 8: 3}
    assert plugin.save_device(device) == STATE


@pytest.mark.parametrize(("state", "bypass"), [(OLD, 0), (STATE, None)])
def test_versions_do_not_mix(state: IommuState, bypass: int | None) -> None:
    with pytest.raises(DeviceMismatch) as refused:
        plugin.load_device(LiveIommu(bypass=bypass), state)
    assert refused.value.where.path == "device.bypass"


def test_a_summary_has_a_line_for_each_domain() -> None:
    empty = Domain(key=0, id=0, mappings=(), endpoint_list=(), bypass=True)
    assert iommu_view(IommuState(domains=(DOMAIN, empty), bypass=0))["domains"] == [
        "domain 3: endpoints 0x10 0x8, 1 mappings of 4096 bytes",
        "domain 0: endpoints none, bypass",
    ]
