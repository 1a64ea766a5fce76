"""`virtmig plugins list | doctor | validate`, and what no plugin can do to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.core.checking.projects import project
from tests.core.cli.conftest import SAMPLES, Command
from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.cli.plugins import COMMANDS

NAME = "virtio-toaster"
X86 = SAMPLES / "x86-q35.mig"


def row(data: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in data["plugins"] if one["name"] == name]
    assert isinstance(found, dict)
    return found


def test_a_driver_is_listed_with_all_that_is_known_of_it(virtmig: Command) -> None:
    done = virtmig("plugins", "list", "--json")
    assert (done.code, done.err) == (0, "")
    found = row(json.loads(done.out), "virtio-net")
    assert Path(found.pop("file")).name == "live.py"
    assert found == {
        "kind": "device",
        "name": "virtio-net",
        "distribution": "virtmig-net",
        "version": found["version"],
        "entry_point": "virtmig_net.live:plugin",
        "idstr": "*/virtio-net",
        "machines": "",
        "beside": "",
        "versions": "11",
        "device_id": 1,
        "needs": ">=0.1,<0.2",
        "used": True,
        "error": "",
    }


def test_a_transport_is_listed_with_the_paths_that_it_claims(virtmig: Command) -> None:
    found = row(json.loads(virtmig("plugins", "list", "--json").out), "virtio-ccw")
    assert found["idstr"] == r"/[0-9a-f]{1,2}\.[0-9a-f]\.[0-9a-f]{4}"
    assert found["machines"] == "s390-ccw-virtio"
    assert (found["kind"], found["versions"], found["device_id"]) == ("transport", "", None)


def test_without_a_command_plugins_lists(virtmig: Command) -> None:
    assert virtmig("plugins") == virtmig("plugins", "list")
    assert virtmig("plugins", "--json") == virtmig("plugins", "list", "--json")
    assert "write --json behind list" in virtmig("plugins", "--json", "list").usage()
    virtmig("plugins", "nonsense").usage()


def test_the_list_for_people_has_the_same(virtmig: Command) -> None:
    out = virtmig("plugins").out
    line = "device     virtio-net       virtmig-net 0.1.0        virtmig_net.live:plugin\n"
    assert (
        f"{line}           */virtio-net, version 11, device id 1, needs virtmig >=0.1,<0.2\n" in out
    )
    assert f"{os.sep}live.py\n" in out


def test_nothing_is_imported_if_one_wants_that(virtmig: Command, site: Site) -> None:
    module = site.add(NAME, "raise RuntimeError", dist="virtmig-toaster", requires="virtmig<0.9")
    done = virtmig("plugins", "list", "--no-import", "--json")
    assert done.code == 0
    found = row(json.loads(done.out), NAME)
    assert found["file"] == str(site.folder / f"{module}.py")
    assert (found["needs"], found["versions"], found["error"]) == ("<0.9", "", "")
    assert module not in sys.modules


def test_what_is_left_out_is_listed_as_such(
    virtmig: Command, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = site.add(NAME, "raise RuntimeError", dist="virtmig-toaster")
    monkeypatch.setenv("VIRTMIG_LOAD_PLUGINS", "virtmig-net")
    done = virtmig("plugins")
    assert done.code == 0
    assert "*/virtio-toaster, left out by VIRTMIG_LOAD_PLUGINS\n" in done.out
    assert module not in sys.modules


BAD = {
    "raises": ("raise RuntimeError('no bread')", "RuntimeError: no bread"),
    "exits": ("raise SystemExit(0)", "SystemExit: 0"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "is no Python": ("def", "invalid syntax"),
    "has no object": ("x = 1", "AttributeError"),
    "is no plugin": ("plugin = 5", "does not implement the hook describe_driver"),
    "is of another name": (fakes.device("virtio-oven"), "the driver 'virtio-oven'"),
    "is of another kind": (fakes.transport(NAME, "bus"), "does not implement the hook save_device"),
}


@pytest.mark.parametrize("command", ["list", "doctor", "validate"])
@pytest.mark.parametrize(("source", "words"), BAD.values(), ids=BAD)
def test_a_bad_plugin_is_named_and_takes_nothing_down(
    virtmig: Command, site: Site, command: str, source: str, words: str
) -> None:
    site.add(NAME, f"print('crumbs')\n{source}", dist="virtmig-toaster")
    arguments = ["virtmig-toaster"] if command == "validate" else []
    done = virtmig("plugins", command, *arguments, "--json")
    assert done.code == 4
    data = json.loads(done.out)  # whatever the plugin prints
    text = row(data, NAME)["error"] if command == "list" else str(data["findings"])
    assert words in text
    shown = virtmig("plugins", command, *arguments)
    assert (shown.code, words in shown.out) == (4, True)
    if command == "list":
        assert row(data, "virtio-net")["error"] == ""


def test_a_misspelled_hook_is_listed_with_its_line(virtmig: Command, site: Site) -> None:
    source = fakes.device(NAME, **{"def load_device(": "def laod_device("})
    module = site.add(NAME, source, dist="virtmig-toaster")
    error = row(json.loads(virtmig("plugins", "--json").out), NAME)["error"]
    assert error.endswith(
        f"{module}.py:21: there is no hook laod_device (did you mean load_device?)"
    )


def test_a_distribution_that_cannot_be_read_is_listed(virtmig: Command, site: Site) -> None:
    folder = site.metadata("virtmig-toaster", "1.0", "[virtmig.devices]\ncrumbs\n")
    done = virtmig("plugins", "--json")
    assert done.code == 4
    (error,) = json.loads(done.out)["broken"]
    assert error["type"] == "ContractBroken"
    assert error["reason"].startswith(f"{folder}: its entry points cannot be read")
    assert "virtmig: ContractBroken: " in virtmig("plugins").err
    assert virtmig("inspect", X86).code == 0


def test_doctor_says_what_there_is_and_what_is_wrong(virtmig: Command, site: Site) -> None:
    site.add(NAME, "raise RuntimeError('no bread')", dist="virtmig-toaster")
    done = virtmig("plugins", "doctor")
    assert done.code == 4
    first, *lines, last = done.out.splitlines()
    assert first.startswith("python 3.")
    assert any(line.split()[:2] == ["virtmig-net", "0.1.0"] for line in lines)
    (error,) = [line for line in lines if line.startswith("error")]
    assert error.startswith("error    import-failed    virtmig-toaster: fake_")
    assert error.endswith("RuntimeError: no bread (mend it there)")
    listed = json.loads(virtmig("plugins", "--json").out)["plugins"]
    assert last.startswith(f"{sum(one['used'] for one in listed)} drivers, ")
    assert "1 error, " in last


def test_one_driver_is_one(virtmig: Command, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTMIG_LOAD_PLUGINS", "virtio-net")
    assert "\n1 driver, " in virtmig("plugins", "doctor").out


def test_doctor_gives_its_findings_to_scripts(virtmig: Command, site: Site) -> None:
    site.add(NAME, "raise RuntimeError('no bread')", dist="virtmig-toaster")
    data = json.loads(virtmig("plugins", "doctor", "--json").out)
    assert set(data) == {"schema", "environment", "drivers", "findings"}
    first = data["findings"][0]
    assert set(first) == {"code", "severity", "where", "what", "do", "distribution"}
    assert (first["code"], first["distribution"]) == ("import-failed", "virtmig-toaster")
    drivers = {one["name"]: one for one in data["drivers"]}
    assert drivers["virtio-blk"]["device_id"] == 2
    assert drivers["virtio-blk"]["seconds"] >= 0


def test_validate_checks_a_project(virtmig: Command, tmp_path: Path) -> None:
    good = virtmig("plugins", "validate", project(tmp_path / "good"))
    assert (good.code, good.err) == (0, "")
    *_, last = good.out.splitlines()
    assert "virtmig-toaster 1.0: virtio-toaster: " in good.out
    assert "No hook but describe_driver was called" in last
    source = fakes.device(NAME, **{"def load_device(": "def laod_device("})
    bad = virtmig("plugins", "validate", project(tmp_path / "bad", source))
    assert bad.code == 4
    assert (
        "error    unknown-hook     virtmig-toaster: src/toasting/live.py:21: there is no hook "
        in bad.out
    )
    assert bad.out.endswith("virtmig-toaster 1.0: virtio-toaster: 1 error\n")
    data = json.loads(virtmig("plugins", "validate", tmp_path / "bad", "--json").out)
    assert (data["target"], data["distribution"]) == (str(tmp_path / "bad"), "virtmig-toaster")
    assert [one["code"] for one in data["findings"]] == ["unknown-hook"]


def test_validate_of_nothing_says_so(virtmig: Command) -> None:
    line = virtmig("plugins", "validate", "nonsense").complaint(4)
    assert line == ("virtmig: PluginError: nonsense is neither installed nor a folder nor a wheel")


DESCRIBING = {"return TransportDriver(": "__import__('time').sleep(600)\n        return dict("}
HANGING = {
    "sleeps": "import time; time.sleep(600)",
    "works": "while True: pass",
    "describes": fakes.transport("virtio-bus", "bus", **DESCRIBING),
}


@pytest.mark.parametrize("source", HANGING.values(), ids=HANGING)
@pytest.mark.parametrize("arguments", [["plugins"], ["inspect", X86]], ids=["list", "inspect"])
def test_a_process_ends_though_a_plugin_does_not(
    site: Site, source: str, arguments: list[Any]
) -> None:
    group = "virtmig.transports"  # all transports are imported by every command
    site.add("virtio-bus", source, group=group, dist="virtmig-bus")
    done = subprocess.run(
        [sys.executable, "-m", "virtmig", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(site.folder), "VIRTMIG_IMPORT_SECONDS": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == (4 if arguments == ["plugins"] else 0)
    assert "took longer than 2 s" in done.stdout + done.stderr
    assert "virtio-net" in done.stdout


def test_a_trace_is_beside_the_answer(virtmig: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRTMIG_TRACE_PLUGINS", "1")
    done = virtmig("load", X86, "--json")
    assert json.loads(done.out)["devices"]
    assert (
        " virtio-net of virtmig-net 0.1.0: load_device(device=LiveNet, state=NetState) -> "
        in done.err
    )


def test_a_trace_that_cannot_be_written_is_told(
    virtmig: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VIRTMIG_TRACE_PLUGINS", str(tmp_path))
    assert str(tmp_path) in virtmig("inspect", X86).complaint(3)


def test_every_command_has_help(virtmig: Command) -> None:
    top = virtmig("plugins", "--help").out
    for name in COMMANDS:
        assert f"\n  {name} " in top
        assert "Usage: virtmig plugins" in virtmig("plugins", name, "--help").out
