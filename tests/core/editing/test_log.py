"""The log has every byte that differs between the two files, with its field."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.editing.test_patches import EDITS
from virtmig.editing import log
from virtmig.editing.plan import plan_edits
from virtmig.editing.writing import write_plan
from virtmig.hooks.registry import Registry
from virtmig.stream.opening import open_stream


@pytest.mark.parametrize("name", EDITS)
def test_the_log_makes_the_new_file_of_the_old(
    path: Path, tmp_path: Path, registry: Registry, name: str
):
    made = tmp_path / "made.mig"
    with open_stream(path) as stream:
        plan = plan_edits(stream, registry, EDITS[name])
        entries = list(log.entries(stream, plan))
        write_plan(stream, plan, str(made), unsafe=True)
    old, new, at = path.read_bytes(), b"", 0
    for entry in entries:
        assert old[entry.offset : entry.offset + len(entry.old)] == entry.old
        new += old[at : entry.offset]
        new += entry.new
        at = entry.offset + len(entry.old)
    assert new + old[at:] == made.read_bytes()


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("mac", {"device.mac"}),
        ("features", {"common.guest_features_lo", "device.curr_guest_offloads", "description"}),
        ("name", {"idstr", "description"}),
        ("machine", {"machine"}),
        ("made", {"subsections.virtio/broken", "description"}),
        ("shorter", {"device.mac_table_in_use", "device.mac_table_macs[0]", "description"}),
    ],
)
def test_each_entry_names_its_field(registry: Registry, path: Path, name: str, paths: set[str]):
    with open_stream(path) as stream:
        plan = plan_edits(stream, registry, EDITS[name])
        found = {entry.path for entry in log.entries(stream, plan)}
    assert paths <= found, found
