"""`virtmig plugins readme`: the field tables of a plugin's README."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.core.cli.conftest import Command
from tests.core.cli.making import made, needs_copier, workplace
from virtmig.errors import VirtmigError
from virtmig.scaffold.project import drivers

pytestmark = needs_copier
here = pytest.fixture(autouse=True)(workplace)


def test_the_readme_has_the_fields_and_says_when_it_is_stale(virtmig: Command) -> None:
    folder = made(virtmig, "virtio-echo")
    readme, state = folder / "README.md", folder / "src/virtmig_echo/state.py"
    assert "| `held_tags` | `be16[held]` |" in readme.read_text()
    assert virtmig("plugins", "readme", "--check", folder).code == 0
    state.write_text(state.read_text().replace("counted by the driver", "never reused"))
    sys.modules.pop("virtmig_echo.live")
    sys.modules.pop("virtmig_echo.state")
    stale = virtmig("plugins", "readme", "--check", folder)
    assert stale.code == 1
    assert "virtmig plugins readme" in stale.out
    assert "never reused" not in readme.read_text()
    assert virtmig("plugins", "readme", folder).code == 0
    assert "never reused" in readme.read_text()
    assert "## Work on it" in readme.read_text()


def test_a_readme_that_cannot_be_filled_is_told(virtmig: Command, here: Path) -> None:
    assert "no pyproject.toml" in virtmig("plugins", "readme").err
    folder = made(virtmig, "virtio-echo")
    (folder / "README.md").write_text("# echo\n")
    assert "<!-- fields:begin -->" in virtmig("plugins", "readme", folder).err
    (folder / "README.md").unlink()
    assert "no README.md" in virtmig("plugins", "readme", folder).err
    (folder / "pyproject.toml").write_text("[project]\n")
    assert "virtmig.devices" in virtmig("plugins", "readme", folder).err
    (folder / "pyproject.toml").write_text("[project\n")
    assert "pyproject.toml" in virtmig("plugins", "readme", folder).err


def test_a_plugin_that_does_not_import_is_told_with_its_error(virtmig: Command) -> None:
    folder = made(virtmig, "virtio-echo")
    for name in ("live", "state"):
        sys.modules.pop(f"virtmig_echo.{name}")
    (folder / "src/virtmig_echo/state.py").write_text("raise RuntimeError('no echo')\n")
    with pytest.raises(VirtmigError, match="no echo"):
        drivers(folder)
    assert "no echo" in virtmig("plugins", "readme", folder).err
