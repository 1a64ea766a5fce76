"""Plugins are imported in a process of their own: none can hurt this one or the next."""

from __future__ import annotations

import sys
import threading

import pytest

from tests.core.hooks import fakes
from tests.core.hooks.fakes import Site
from virtmig.checking import probing
from virtmig.checking.probing import Probed, probe
from virtmig.hooks.contract import Finding
from virtmig.hooks.discovery import scan

LIMIT = 30.0
"""Seconds that no import here takes, however busy the machine is."""
SHORT = 0.5
NAME = "virtio-toaster"


def probed(site: Site, source: str, limit: float = LIMIT, **more: str) -> tuple[Probed, str]:
    """What is known of a plugin with this source, and the name of its module."""
    module = site.add(NAME, source, dist="virtmig-toaster", **more)
    (one,) = [one for one in scan().drivers if one.name == NAME]
    (result,) = probe([one], limit)
    return result, module


def only(result: Probed) -> Finding:
    """The one finding beside that this machine is busy."""
    (finding,) = [one for one in result.findings if one.code != "slow-import"]
    return finding


def test_a_plugin_that_works_tells_what_it_is_for(site: Site) -> None:
    result, module = probed(site, fakes.device(NAME))
    assert [one for one in result.findings if one.code != "slow-import"] == []
    assert result.facts.pop("seconds") < 60
    assert result.facts == {"versions": "1", "device_id": 99}
    assert module not in sys.modules


def test_a_transport_tells_which_real_paths_it_claims(site: Site) -> None:
    source = fakes.transport(NAME, r"[0-9a-f]{4}:.*|")
    result, _ = probed(site, source, group="virtmig.transports")
    claims = [place for place, _ in result.facts["claims"]]
    assert claims == ["0000:00:02.0", "0000:00:02.0:00.0", "0000:00:1e.0:01.0:02.0"]


RAISING = {
    "an exception": ("import os\nraise OSError('no bread')", 2, "OSError: no bread"),
    "an exit": ("raise SystemExit(3)", 1, "SystemExit: 3"),
    "an interrupt": ("\n\nraise KeyboardInterrupt", 3, "KeyboardInterrupt: "),
}


@pytest.mark.parametrize(("source", "line", "words"), RAISING.values(), ids=RAISING)
def test_what_an_import_raises_is_told_with_its_line(
    site: Site, source: str, line: int, words: str
) -> None:
    result, module = probed(site, source)
    assert only(result) == Finding(
        code="import-failed",
        where=f"{module}.py:{line}",
        what=f"importing '{module}:plugin' failed: {words}",
        do="mend it there",
    )


HANGING = {
    "sleep": "import time\ntime.sleep(600)",
    "a loop": "x = 1\nwhile True: pass",
    "a lock": "import threading\nthreading.Event().wait()",
}


@pytest.mark.parametrize("source", HANGING.values(), ids=HANGING)
def test_an_import_that_hangs_is_told_with_the_line_where_it_is(site: Site, source: str) -> None:
    result, module = probed(site, source, SHORT)
    assert only(result) == Finding(
        code="import-hangs",
        where=f"{module}.py:2",
        what=f"importing '{module}:plugin' took longer than 0.5 s",
        do="wait for nothing there",
    )


ENDING = {
    "an exit past all handlers": ("import os\nos._exit(7)", "with exit code 7"),
    "an exit that looks good": ("import os\nos._exit(0)", "with exit code 0"),
    "a signal": ("import os\nos.kill(os.getpid(), 9)", "by signal 9"),
    "last words": (
        "import os\nos.write(2, b'too hot\\n')\nos._exit(1)",
        "with exit code 1: too hot",
    ),
}


@pytest.mark.parametrize(("source", "how"), ENDING.values(), ids=ENDING)
def test_an_import_that_ends_the_process_is_named_and_the_next_is_imported(
    site: Site, source: str, how: str
) -> None:
    module = site.add("virtio-a", source, dist="a")
    site.add("virtio-b", fakes.device("virtio-b"), dist="b")
    first, second = probe([one for one in scan().drivers if one.distribution in "ab"], LIMIT)
    assert only(first) == Finding(
        code="import-ends-process",
        where=f"{module}:plugin",
        what=f"importing '{module}:plugin' ended the process {how}",
        do="raise an exception instead",
    )
    assert [one for one in second.findings if one.code != "slow-import"] == []
    assert second.facts["device_id"] == 99


def test_a_hook_that_hangs_is_ended_from_outside(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "PATIENCE", 4.0)
    source = fakes.device(NAME, **{"return DeviceDriver(": "while True: pass\n        dict("})
    result, module = probed(site, source, SHORT)
    assert only(result) == Finding(
        code="import-hangs",
        where=f"{module}:plugin",
        what=f"binding '{module}:plugin' took longer than 0.5 s",
        do="wait for nothing there",
    )


def test_what_an_import_prints_is_a_warning(site: Site) -> None:
    result, module = probed(site, "print('crumbs')\n" + fakes.device(NAME))
    assert (only(result).code, only(result).severity) == ("prints", "warning")
    assert only(result).what == f"{module}:plugin prints while it is imported: 'crumbs'"


def test_a_thread_that_would_never_end_is_a_warning(site: Site) -> None:
    start = "import threading, time\n"
    start += "threading.Thread(target=time.sleep, args=(600,), daemon=False).start()\n"
    result, module = probed(site, start + fakes.device(NAME))
    assert (only(result).code, only(result).severity) == ("thread", "warning")
    assert only(result).what.startswith(f"importing '{module}:plugin' starts the thread ")
    assert threading.active_count() < 10


def test_an_import_that_takes_its_time_is_a_warning(site: Site) -> None:
    result, module = probed(site, "import time\ntime.sleep(1.1)\n" + fakes.device(NAME))
    (finding,) = result.findings
    assert (finding.code, finding.severity) == ("slow-import", "warning")
    assert finding.what.startswith(f"importing '{module}:plugin' takes ")


BROKEN = {
    "a hook less": (
        {"@hookimpl\n    def save_device": "def save_device"},
        "contract",
        "{owner} does not implement the hook save_device",
    ),
    "a wrong name": (
        {'name="virtio-toaster"': 'name="virtio-oven"'},
        "contract",
        "the entry point is 'virtio-toaster', the driver 'virtio-oven'",
    ),
    "a hook that raises": (
        {"return DeviceDriver(": "raise OSError('hot') or dict("},
        "contract",
        "describe_driver: OSError: hot",
    ),
    "a wrong type": (
        {"device_id=99": "device_id='99'"},
        "wrong-type",
        "device_id='99' is no int",
    ),
    "no object": ({"plugin = Plugin()": "plugin = None"}, "contract", "{owner} does not"),
}


@pytest.mark.parametrize(("changes", "code", "what"), BROKEN.values(), ids=BROKEN)
def test_a_broken_contract_is_told(
    site: Site, changes: dict[str, str], code: str, what: str
) -> None:
    result, _ = probed(site, fakes.device(NAME, **changes))
    assert only(result).code == code
    assert only(result).what.startswith(what.format(owner="virtio-toaster of virtmig-toaster 1.0"))
    assert "versions" not in result.facts


def test_a_process_that_cannot_start_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    result, _ = probed(site, fakes.device(NAME))
    assert only(result).code == "no-process"
