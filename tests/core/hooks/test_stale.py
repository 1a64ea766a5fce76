"""Entry points that were changed in pyproject.toml, and are installed as they were before."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtmig.hooks.stale import stale_entry_points

PROJECT = """
[project]
name = "virtmig-Lamp"

[project.scripts]
lamp = "anything:at_all"

[project.entry-points."virtmig.devices"]
virtio-lamp = " virtmig_lamp.live:plugin"

[project.entry-points."another.group"]
lamp = "nobody:cares"
"""
INSTALLED = "[virtmig.devices]\nvirtio-lamp = virtmig_lamp.live:plugin\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and beside it what is installed of it."""
    info = tmp_path / "site" / "virtmig_lamp-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: virtmig-lamp\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(INSTALLED)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return tmp_path


def change(project: Path, old: str, new: str) -> None:
    file = project / "pyproject.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_what_is_installed_as_it_is_written_is_not_stale(project: Path) -> None:
    assert stale_entry_points(project) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (".live:plugin", ".hooks:plugin", ["installed with 'virtmig_lamp.live:plugin'"]),
        (
            "virtio-lamp =",
            "virtio-bulb =",
            [
                (
                    "has virtio-bulb = 'virtmig_lamp.live:plugin' in virtmig.devices, "
                    "virtmig-Lamp is installed with it as virtio-lamp"
                )
            ],
        ),
        ("virtmig.devices", "virtmig.transports", ["in virtmig.transports", "in virtmig.devices"]),
        ("virtmig-Lamp", "virtmig-bulb", ["virtmig-bulb is not installed"]),
    ],
)
def test_what_was_changed_is_told(project: Path, old: str, new: str, says: list[str]) -> None:
    change(project, old, new)
    found = stale_entry_points(project)
    assert len(found) == len(says)
    assert all(part in one for part, one in zip(says, found, strict=True)), found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[project]", "[project"),
        ("[project]", "[projects]"),
        ("[project.", "[elsewhere."),
        ('name = "virtmig-Lamp"', "name = 3"),
        ('name = "virtmig-Lamp"', 'name = ""'),
    ],
)
def test_a_project_that_declares_no_drivers_is_left_alone(
    project: Path, old: str, new: str
) -> None:
    change(project, old, new)
    assert stale_entry_points(project) == []


def test_a_folder_without_a_project_is_left_alone(tmp_path: Path) -> None:
    assert stale_entry_points(tmp_path) == []
